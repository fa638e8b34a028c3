import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# The content is compressed already: trying it again only costs time.
STORAGE = "ALTER TABLE experiments_logchunk ALTER content SET STORAGE EXTERNAL"


class Migration(migrations.Migration):
    """Logs by line. Logs that were stored before are dropped."""

    dependencies = [
        ("experiments", "0006_runs_table"),
    ]

    operations = [
        migrations.DeleteModel(name="LogChunk"),
        migrations.CreateModel(
            name="LogChunk",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run_id",
                        "attempt",
                        "rank",
                        "first_line",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("first_line", models.PositiveBigIntegerField()),
                ("attempt", models.PositiveIntegerField()),
                ("rank", models.PositiveIntegerField()),
                ("line_count", models.PositiveIntegerField()),
                ("size", models.PositiveIntegerField()),
                (
                    "time_lines",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), size=None
                    ),
                ),
                (
                    "times",
                    django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None),
                ),
                ("content", models.BinaryField()),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_chunks",
                        to="experiments.run",
                    ),
                ),
            ],
            options={"ordering": ("attempt", "rank", "first_line")},
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="LogStream",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("attempt", models.PositiveIntegerField()),
                ("rank", models.PositiveIntegerField()),
                ("lines", models.PositiveBigIntegerField(default=0)),
                ("open", models.TextField(default="")),
                ("hot_line", models.PositiveBigIntegerField(default=1)),
                ("hot_chunks", models.PositiveIntegerField(default=0)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_streams",
                        to="experiments.run",
                    ),
                ),
            ],
            options={
                "ordering": ("attempt", "rank"),
                "constraints": [
                    models.UniqueConstraint(fields=("run", "attempt", "rank"), name="log_stream_unique")
                ],
            },
        ),
    ]
