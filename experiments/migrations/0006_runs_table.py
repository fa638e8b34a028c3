import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("experiments", "0005_points"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Made anew and empty: its rows need columns that have no default.
        migrations.DeleteModel("RunMetric"),
        migrations.CreateModel(
            name="RunMetric",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run_number", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("field", models.CharField(max_length=4)),
                ("last", models.FloatField()),
                ("last_step", models.BigIntegerField()),
                ("min", models.FloatField(null=True)),
                ("min_step", models.BigIntegerField(null=True)),
                ("max", models.FloatField(null=True)),
                ("max_step", models.BigIntegerField(null=True)),
                ("count", models.PositiveBigIntegerField()),
                (
                    "value",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.comparison.NullIf(
                            models.Case(
                                models.When(field="max", then=models.F("max")),
                                models.When(field="min", then=models.F("min")),
                                default=models.F("last"),
                            ),
                            django.db.models.functions.comparison.Cast(
                                models.Value("NaN"), models.FloatField()
                            ),
                        ),
                        output_field=models.FloatField(null=True),
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="RunParam",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run_number", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("number", models.FloatField(null=True)),
                ("text", models.CharField(max_length=200, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="RunView",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=60)),
                ("where", models.CharField(blank=True, max_length=2000)),
                ("sort", models.CharField(blank=True, max_length=300)),
                ("columns", models.JSONField(default=list)),
                ("differing", models.BooleanField(default=False)),
                ("is_default", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.AddField(
            model_name="run",
            name="attempted",
            field=models.DurationField(null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="tags",
            field=models.JSONField(default=dict),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["experiment", "state", "number"],
                include=("repeat", "searched", "attempted"),
                name="run_state",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["tags"], name="run_tags", opclasses=["jsonb_path_ops"]
            ),
        ),
        migrations.AddField(
            model_name="runmetric",
            name="experiment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="experiments.experiment",
            ),
        ),
        migrations.AddField(
            model_name="runmetric",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="metrics",
                to="experiments.run",
            ),
        ),
        migrations.AddField(
            model_name="runparam",
            name="experiment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="experiments.experiment",
            ),
        ),
        migrations.AddField(
            model_name="runparam",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="values",
                to="experiments.run",
            ),
        ),
        migrations.AddField(
            model_name="runview",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="runview",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="views", to="accounts.project"
            ),
        ),
        migrations.AddIndex(
            model_name="runmetric",
            index=models.Index(
                fields=["experiment", "name", "value", "run_number"],
                include=("run", "last", "min", "max"),
                name="run_metric_sort",
            ),
        ),
        migrations.AddConstraint(
            model_name="runmetric",
            constraint=models.UniqueConstraint(fields=("run", "name"), name="run_metric_unique"),
        ),
        migrations.AddIndex(
            model_name="runparam",
            index=models.Index(
                fields=["experiment", "name", "number", "run_number"],
                include=("run",),
                name="run_param_number",
            ),
        ),
        migrations.AddIndex(
            model_name="runparam",
            index=models.Index(
                condition=models.Q(("text__isnull", False)),
                fields=["experiment", "name", "text", "run_number"],
                include=("run",),
                name="run_param_text",
            ),
        ),
        migrations.AddConstraint(
            model_name="runparam",
            constraint=models.UniqueConstraint(fields=("run", "name"), name="run_param_unique"),
        ),
        migrations.AddConstraint(
            model_name="runview",
            constraint=models.UniqueConstraint(
                fields=("project", "owner", "name"), name="run_view_name_unique", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="runview",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("project", "owner"),
                name="run_view_default_unique",
                nulls_distinct=False,
            ),
        ),
    ]
