from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experiments", "0006_budget_max_parallel")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="exempt",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="experiment",
            name="search_stopped",
            field=models.BooleanField(default=False),
        ),
    ]
