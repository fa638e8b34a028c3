"""Mail: to the server of MLP_EMAIL_URL, or kept for administrators where there is none."""

import logging
import smtplib
from collections.abc import Sequence
from datetime import timedelta

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from accounts.models import KeptMail
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Unavailable

logger = logging.getLogger(__name__)
KEEP_FOR = timedelta(days=7)
KEEP = 500


class SmtpBackend(EmailBackend):
    """Django's, with an answer that a person can use when the server does not take the mail."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """See Django."""
        try:
            return super().send_messages(email_messages) or 0
        except (smtplib.SMTPException, OSError) as error:
            logger.exception("The mail server %s does not take mail.", self.host)
            raise Unavailable(
                "The mail could not be sent: the portal's mail server does not take it. Try again in a few minutes; "
                "an administrator finds the reason in the log of the web process."
            ) from error


class KeptBackend(BaseEmailBackend):
    """Writes mail into the log and into the administration, for a while. Costs three queries per message."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """See Django."""
        for message in email_messages:
            to = ", ".join(message.recipients())
            logger.info("There is no mail server. To %s: %s\n%s", to, message.subject, message.body)
            KeptMail.objects.create(to=to[:254], subject=str(message.subject)[:200], text=str(message.body))
        mail_forget()
        return len(email_messages)


def mail_forget() -> None:
    """Drop what is old: the links in it work no longer."""
    KeptMail.objects.filter(at__lt=clock.now() - KEEP_FOR).delete()
    newest = KeptMail.objects.values_list("pk", flat=True)[:KEEP]
    KeptMail.objects.exclude(pk__in=list(newest)).delete()
