"""Making and changing projects."""

from django.db import transaction
from django.utils.text import slugify

from accounts.models import Membership, Project, Role, User
from accounts.permissions import require, require_whole
from accounts.services.audit import audit
from mlplatform.kernel import locks
from mlplatform.kernel.errors import InvalidInput

NAME_LIMIT = 100


@transaction.atomic
def project_create(*, user: User, name: str, description: str = "") -> Project:
    """Create a project owned by `user`; its slug is made from the name and numbered when taken.

    Raises Forbidden for a token that does not stand for the whole account.
    """
    require_whole(user, "create a project")
    name = _checked(name)
    locks.hold("project slugs")
    project = Project.objects.create(
        slug=_free_slug(name), name=name, description=description, created_by=user
    )
    Membership.objects.create(project=project, user=user, role=Role.OWNER)
    audit(user, "project.create", project.slug, project=project)
    return project


@transaction.atomic
def project_of_ones_own(*, user: User) -> Project | None:
    """Make the person's own project, unless they have it. None: they have. One query then."""
    if Project.objects.filter(personal_of=user).exists():
        return None
    locks.hold(f"own project of {user.pk}")
    if Project.objects.filter(personal_of=user).exists():
        return None
    name = user.get_full_name() or user.username
    project = project_create(user=user, name=f"{name}’s project"[:NAME_LIMIT])
    project.personal_of = user
    project.save(update_fields=["personal_of"])
    return project


@transaction.atomic
def project_update(*, user: User, project: Project, name: str, description: str = "") -> Project:
    """Rename or describe it. Raises Forbidden and InvalidInput.

    Its address stays, so that links and names of registered models do.
    """
    require(user, "manage", project)
    changed = {"name": _checked(name), "description": description.strip()}
    before = {
        field: getattr(project, field) for field in changed if getattr(project, field) != changed[field]
    }
    if before:
        for field, value in changed.items():
            setattr(project, field, value)
        project.save(update_fields=list(changed))
        audit(user, "project.update", project.slug, project=project, before=before)
    return project


def _checked(name: str) -> str:
    name = name.strip()
    if not name:
        raise InvalidInput("A project needs a name.", field="name")
    if len(name) > NAME_LIMIT:
        raise InvalidInput(f"The name has {len(name)} characters; at most {NAME_LIMIT} fit.", field="name")
    return name


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "project"
    taken = set(Project.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    number = 1
    slug = base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
