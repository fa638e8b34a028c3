"""What the groups of an identity provider give: memberships, and the administration of the portal."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Membership, Project, Role, User
from accounts.permissions import includes
from accounts.services.access import access_changed
from accounts.services.audit import audit

logger = logging.getLogger(__name__)
OIDC = Membership.Source.OIDC


def groups_claimed(data: Mapping[str, Any]) -> frozenset[str]:
    """The groups in what the provider told about somebody, in its answer about the person or in the ID token."""
    for part in ("userinfo", "id_token"):
        claim = (data.get(part) or {}).get(settings.OIDC_GROUPS_CLAIM)
        if isinstance(claim, str):
            return frozenset({claim})
        if isinstance(claim, list):
            return frozenset(map(str, claim))
    return frozenset()


@transaction.atomic
def groups_apply(*, user: User, groups: Collection[str]) -> None:
    """Give what the groups give and take what they gave before. What people gave stays as it is."""
    if not settings.OIDC_GROUPS:
        return
    wanted = _wanted(groups)
    held = {
        membership.project_id: membership
        for membership in Membership.objects.select_for_update(of=("self",))
        .select_related("project")
        .filter(user=user)
    }
    changed = False
    for project, role in wanted.items():
        changed |= _give(user, project, role, held.get(project.pk))
    kept = {project.pk for project in wanted}
    for membership in held.values():
        if membership.source == OIDC and membership.project_id not in kept:
            audit(user, "member.remove", user.username, project=membership.project, source=OIDC)
            membership.delete()
            changed = True
    changed |= _administer(user, groups)
    if changed:
        access_changed()


def _wanted(groups: Collection[str]) -> dict[Project, Role]:
    """The highest role in each project that the groups give."""
    given = [(slug, Role(role)) for group, slug, role in settings.OIDC_GROUPS if slug and group in groups]
    projects = {found.slug: found for found in Project.objects.filter(slug__in={slug for slug, _ in given})}
    wanted: dict[Project, Role] = {}
    for slug, role in given:
        project = projects.get(slug)
        if project is None:
            logger.warning("MLP_OIDC_GROUPS names the project %r, which does not exist; skipped.", slug)
        elif project not in wanted or includes(role, wanted[project]):
            wanted[project] = role
    return wanted


def _give(user: User, project: Project, role: Role, held: Membership | None) -> bool:
    """Whether anything is different now."""
    if held is None:
        Membership.objects.create(project=project, user=user, role=role, source=OIDC)
        audit(user, "member.add", user.username, project=project, role=str(role), source=OIDC)
        return True
    if held.source != OIDC or held.role == role:
        return False
    audit(user, "member.role", user.username, project=project, before=held.role, role=str(role), source=OIDC)
    held.role = role
    held.save(update_fields=["role"])
    return True


def _administer(user: User, groups: Collection[str]) -> bool:
    """Who is an administrator by a group; one who was made one by people stays one."""
    is_meant = any(not slug and group in groups for group, slug, _ in settings.OIDC_GROUPS)
    if is_meant == user.admin_by_group or (is_meant and user.is_superuser):
        return False
    user.is_superuser = user.is_staff = user.admin_by_group = is_meant
    user.save(update_fields=["is_superuser", "is_staff", "admin_by_group"])
    audit(user, "user.admin" if is_meant else "user.no_admin", user.username, source=OIDC)
    return True
