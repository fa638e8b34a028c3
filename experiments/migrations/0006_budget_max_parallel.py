from django.db import migrations

RENAME = """
UPDATE experiments_bundle
SET manifest = jsonb_set(
    manifest #- '{{budget,{old}}}', '{{budget,{new}}}', manifest #> '{{budget,{old}}}'
)
WHERE manifest #> '{{budget,{old}}}' IS NOT NULL
"""
FORWARDS = RENAME.format(old="runs_at_a_time", new="max_parallel")
BACKWARDS = RENAME.format(old="max_parallel", new="runs_at_a_time")


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0005_model_objective"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
