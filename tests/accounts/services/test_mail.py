"""Mail without and with a server; the server is a small real one."""

import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import send_mail
from django.test import Client

from accounts.models import KeptMail, User
from accounts.services.mail import mail_forget
from mlplatform.kernel import clock

KEPT = "accounts.services.mail.KeptBackend"
SMTP = "accounts.services.mail.SmtpBackend"


class _Talk(socketserver.StreamRequestHandler):
    """Just enough SMTP; `refuses` says no to every recipient."""

    server: Any

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            elif verb.startswith(b"RCPT") and self.server.refuses:
                self.wfile.write(b"550 not here\r\n")
                continue
            self.wfile.write(b"250 fine\r\n")
            if verb == b"QUIT":
                return


@pytest.fixture
def server(settings: Any) -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Talk) as made:
        made.daemon_threads = True
        made.taken, made.refuses = [], False  # type: ignore[attr-defined]
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
        settings.EMAIL_PORT = made.server_address[1]
        yield made
        made.shutdown()


@pytest.fixture
def kept(settings: Any) -> None:
    settings.EMAIL_BACKEND = KEPT


def test_without_a_server_administrators_find_the_link(client: Client, owner: User, kept: None) -> None:
    client.post("/accounts/password/reset/", {"email": owner.email})
    assert "has no mail server" in client.get("/accounts/password/reset/done/").content.decode()
    mail = KeptMail.objects.get()
    assert mail.to == owner.email
    admin = User.objects.create_superuser("root", "root@example.org", "x")
    client.force_login(admin)
    assert mail.subject in client.get("/admin/accounts/keptmail/").content.decode()
    page = client.get(f"/admin/accounts/keptmail/{mail.pk}/change/").content.decode()
    assert "/accounts/password/reset/key/" in page
    assert "Kept mail" in client.get("/admin/").content.decode()


def test_others_do_not(client: Client, owner: User, kept: None) -> None:
    owner.is_staff = True
    owner.save()
    client.force_login(owner)
    assert client.get("/admin/accounts/keptmail/").status_code == 403


def test_with_a_server_there_is_no_such_page(client: Client, owner: User, server: Any) -> None:
    client.force_login(User.objects.create_superuser("root", "root@example.org", "x"))
    assert "Kept mail" not in client.get("/admin/").content.decode()


def test_old_mail_is_forgotten(db: None, kept: None) -> None:
    send_mail("Old", "text", None, ["a@example.org"])
    KeptMail.objects.update(at=clock.now() - timedelta(days=8))
    send_mail("New", "text", None, ["b@example.org", "c@example.org"])
    assert [(mail.subject, mail.to) for mail in KeptMail.objects.all()] == [
        ("New", "b@example.org, c@example.org")
    ]
    mail_forget()
    assert KeptMail.objects.count() == 1


def test_a_server_gets_it(client: Client, owner: User, server: Any, settings: Any) -> None:
    client.post("/accounts/password/reset/", {"email": owner.email})
    [text] = server.taken
    assert f"From: {settings.DEFAULT_FROM_EMAIL}" in text
    assert "Subject: [mlplatform] Password Reset" in text
    assert "link is on its way" in client.get("/accounts/password/reset/done/").content.decode()
    assert not KeptMail.objects.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_server_that_takes_nothing_is_said(
    client: Client, owner: User, server: Any, settings: Any, is_there: bool
) -> None:
    server.refuses = True
    if not is_there:
        settings.EMAIL_PORT = 1
    answer = client.post("/accounts/password/reset/", {"email": owner.email})
    assert answer.status_code == 503
    assert "The mail could not be sent" in answer.content.decode()
