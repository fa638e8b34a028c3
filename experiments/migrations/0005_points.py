import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# The 8-byte columns first, so that nothing is padded. What is compressed at all is compressed well by lz4, and quickly.
TABLE = """
CREATE TABLE experiments_metricbatch (
    seq bigint NOT NULL,
    first_step bigint NOT NULL,
    last_step bigint NOT NULL,
    first_time double precision NOT NULL,
    last_time double precision NOT NULL,
    month integer NOT NULL,
    attempt integer NOT NULL,
    size integer NOT NULL,
    level smallint NOT NULL,
    run_id uuid NOT NULL REFERENCES experiments_run (id),
    name varchar(200) NOT NULL,
    steps bigint[] NOT NULL,
    "values" double precision[] NOT NULL,
    times double precision[] NOT NULL,
    PRIMARY KEY (run_id, name, level, attempt, seq, month)
) PARTITION BY RANGE (month);
DO $$ BEGIN
    ALTER TABLE experiments_metricbatch
        ALTER steps SET COMPRESSION lz4, ALTER "values" SET COMPRESSION lz4, ALTER times SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;  -- A server that was built without it has its own way.
END $$;
CREATE TABLE experiments_metricbatch_default PARTITION OF experiments_metricbatch DEFAULT;
-- Those of other months are made by experiments.services.points_upkeep.
DO $$ DECLARE
    month integer := to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')::integer;
BEGIN
    EXECUTE format('CREATE TABLE experiments_metricbatch_%s PARTITION OF experiments_metricbatch'
        ' FOR VALUES FROM (%s) TO (%s)', month, month, month + 1);
END $$;
"""


class Migration(migrations.Migration):
    """Points in partitions by month. Points that were stored before are dropped."""

    dependencies = [
        ("experiments", "0004_sweeps"),
    ]

    operations = [
        migrations.DeleteModel(name="MetricBatch"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLE, "DROP TABLE experiments_metricbatch"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="MetricBatch",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "run_id",
                                "name",
                                "level",
                                "attempt",
                                "seq",
                                "month",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("seq", models.PositiveBigIntegerField()),
                        ("first_step", models.BigIntegerField()),
                        ("last_step", models.BigIntegerField()),
                        ("first_time", models.FloatField()),
                        ("last_time", models.FloatField()),
                        ("month", models.PositiveIntegerField()),
                        ("attempt", models.PositiveIntegerField()),
                        ("size", models.PositiveIntegerField()),
                        ("level", models.PositiveSmallIntegerField(default=0)),
                        (
                            "run",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="metric_batches",
                                to="experiments.run",
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        (
                            "steps",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), size=None
                            ),
                        ),
                        (
                            "values",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(), size=None
                            ),
                        ),
                        (
                            "times",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.FloatField(), size=None
                            ),
                        ),
                    ],
                    options={"ordering": ("attempt", "seq")},
                ),
            ],
        ),
    ]
