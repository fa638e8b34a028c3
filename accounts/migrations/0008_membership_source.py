from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_quota")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="source",
            field=models.CharField(
                choices=[("person", "Person"), ("oidc", "group")],
                default="person",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="admin_by_group",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
