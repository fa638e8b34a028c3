"""Mail that nobody could send."""

from typing import ClassVar

from django.db import models


class KeptMail(models.Model):
    """What would have been sent, if there were a mail server. Administrators find links to pass on in it."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    text = models.TextField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        verbose_name_plural = "kept mail"

    def __str__(self) -> str:
        return f"{self.subject} (to {self.to})"
