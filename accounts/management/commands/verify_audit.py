"""`manage.py verify_audit`: whether anybody has changed the audit trail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.audit_chain import chain_verify, link_from
from mlplatform.kernel.errors import PlatformError


class Command(BaseCommand):
    """See the module."""

    help = "Walks the chain of the audit trail, names the first row that is wrong, missing or put in, and exits with 1."

    def add_arguments(self, parser: CommandParser) -> None:
        """What an earlier call has printed."""
        parser.add_argument(
            "--expect",
            metavar="POSITION:DIGEST",
            help="what an earlier call has printed: also finds rows that were cut off, and a chain written anew",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Say so."""
        try:
            expected = link_from(options["expect"]) if options["expect"] else None
            last = chain_verify(expected=expected)
        except PlatformError as error:
            raise CommandError(error.message) from error
        if not last.position:
            self.stdout.write("The audit trail is empty.")
            return
        self.stdout.write(f"{last.position} rows, each as it was written. Keep this elsewhere, for --expect:")
        self.stdout.write(str(last))
