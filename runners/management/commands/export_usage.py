"""`manage.py export_usage`: the ledger of what allocations held, for whoever charges for it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from accounts.models import Project
from mlplatform.http.rows import CONTENT_TYPES
from runners.ledger_file import ledger_file
from runners.selectors.usage import slices
from runners.services.usage import usage_meter


class Command(BaseCommand):
    """See the module."""

    help = (
        "Writes the ledger of usage as CSV or JSON lines, up to the last midnight (UTC) for what still runs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What of it, and where to."""
        parser.add_argument("--format", choices=sorted(CONTENT_TYPES), default="csv")
        parser.add_argument("--month", help="of one month only, such as 2026-12")
        parser.add_argument("--project", help="of one project only, by its slug")
        parser.add_argument("--output", help="a file; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        only = Q()
        if slug := options["project"]:
            project = Project.objects.filter(slug=slug).first()
            if project is None:
                raise CommandError(f"There is no project {slug!r}.")
            only = Q(project_id=project.pk)
        usage_meter()
        rows = slices(only, _month(options["month"])).iterator()
        parts = ledger_file(rows, options["format"])
        if options["output"]:
            with Path(options["output"]).open("wb") as file:
                file.writelines(parts)
            return
        for part in parts:
            self.stdout.write(part.decode(), ending="")


def _month(text: str | None) -> int | None:
    if not text:
        return None
    year, _, month = text.partition("-")
    if not (year.isdecimal() and len(year) == 4 and month.isdecimal() and 1 <= int(month) <= 12):
        raise CommandError(f"--month is {text!r}; write it as 2026-12.")
    return int(year) * 100 + int(month)
