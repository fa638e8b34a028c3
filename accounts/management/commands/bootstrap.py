"""`manage.py bootstrap`: the first accounts of a fresh portal, once."""

import os
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.people import first_account

# Account -> variable naming the file with its password, and whether it is a site admin.
ACCOUNTS = {"admin": ("MLP_ADMIN_PASSWORD_FILE", True), "demo": ("MLP_DEMO_PASSWORD_FILE", False)}


class Command(BaseCommand):
    """Creates an account if its password file is named; one that exists or was removed is left so."""

    help = "Create the admin and demo accounts from password files, once."

    def add_arguments(self, parser: CommandParser) -> None:
        """See Django."""
        parser.add_argument("--migrate", action="store_true", help="apply migrations first")

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        if options["migrate"]:
            call_command("migrate", interactive=False)
        for username, (variable, is_admin) in ACCOUNTS.items():
            path = os.environ.get(variable)
            if not path:
                continue
            password = Path(path).read_text().strip()
            if not password:
                raise CommandError(f"{path}, named by {variable}, is empty; write a password into it.")
            if first_account(username=username, password=password, is_admin=is_admin):
                self.stdout.write(f"created the account {username}")
