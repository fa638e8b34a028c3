from importlib import import_module

from django.db import connection

from experiments.models import Bundle


def test_bundles_are_read_with_the_new_name_of_max_parallel(bundle: Bundle) -> None:
    migration = import_module("experiments.migrations.0006_budget_max_parallel")
    old = {"name": "x", "budget": {"runs_at_a_time": 4, "max_hours": 2}}
    new = {"name": "x", "budget": {"max_parallel": 4, "max_hours": 2}}
    for sql, before, after in ((migration.FORWARDS, old, new), (migration.BACKWARDS, new, old)):
        Bundle.objects.update(manifest=before)
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.execute(sql)
        bundle.refresh_from_db()
        assert bundle.manifest == after
