"""Named locks in PostgreSQL, for what has no row to lock yet."""

import hashlib

from django.db import connection


def hold(name: str) -> None:
    """Wait for the lock of this name and keep it until the current transaction ends."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
