"""Projects and who is in them."""

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from accounts.models.person import User


class Project(models.Model):
    """A team's room: experiments, models and members belong to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, max_length=2000)
    # Its share of the machines beside those of other projects, and whether its runs may have to stop at a checkpoint
    # for runs of higher priority.
    weight = models.FloatField(
        default=1,
        validators=[MinValueValidator(0.01), MaxValueValidator(1000)],
        help_text="Share of the machines: a project of weight 2 gets twice as much as one of weight 1.",
    )
    preemptible = models.BooleanField(
        default=False,
        help_text="Its runs may be stopped at a checkpoint for runs of higher priority; they go on later.",
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    # Whose own room it is: everybody has one, made at the first sign-in.
    personal_of = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="personal_project"
    )
    # Readable, and nothing is started or changed in it.
    archived_at = models.DateTimeField(null=True, blank=True)
    # Nobody sees it any more; what belongs to it is deleted step by step, the row last.
    deleting_at = models.DateTimeField(null=True, blank=True, editable=False)

    members: "models.ManyToManyField[User, Membership]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="projects"
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Page of the project."""
        return reverse("project", args=[self.slug])


class Role(models.TextChoices):
    """What a member may do; each role includes the ones before it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


class Membership(models.Model):
    """One person's role in one project."""

    class Source(models.TextChoices):
        """Who gave it. What a group gave follows the group at each sign-in."""

        PERSON = "person"
        OIDC = "oidc", "group"

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    source = models.CharField(max_length=10, choices=Source, default=Source.PERSON, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "user"], name="membership_unique"),)

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"
