from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_membership_source")]

    operations = [
        migrations.CreateModel(
            name="KeptMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("to", models.CharField(max_length=254)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
            ],
            options={"verbose_name_plural": "kept mail", "ordering": ["-at", "-id"]},
        ),
    ]
