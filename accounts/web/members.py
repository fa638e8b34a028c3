"""Who is in a project: adding, changing, removing, leaving, handing over."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Project, Role
from accounts.selectors.invitations import invitations_of
from accounts.selectors.projects import project_get
from accounts.services.invitations import (
    has_mail_server,
    invitation_create,
    invitation_link,
    invitation_revoke,
    invitation_send,
)
from accounts.services.members import member_add, member_change, member_remove, project_transfer
from accounts.web.access import SignedInRequest, rights, signed_in
from accounts.web.forms import InvitationForm, MemberForm
from mlplatform.http.forms import show_error
from mlplatform.kernel.errors import Conflict, InvalidInput


@require_safe
@signed_in
def members(request: SignedInRequest, slug: str) -> HttpResponse:
    """Who is in the project, and as what; for owners also how others come in."""
    return _page(request, project_get(request.user, slug))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def add(request: SignedInRequest, slug: str) -> HttpResponse:
    """Let in somebody who has an account."""
    found = project_get(request.user, slug, "manage")
    if request.method != "POST":
        return redirect("project_members", slug)
    form = MemberForm(request.POST, prefix="member")
    if form.is_valid():
        try:
            added = member_add(user=request.user, project=found, **form.cleaned_data)
        except (Conflict, InvalidInput) as error:
            show_error(error, form)
        else:
            messages.success(request, f"{added.user.username} is {added.role} of {found.name} now.")
            return redirect("project_members", slug)
    return _page(request, found, member_form=form)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def invite(request: SignedInRequest, slug: str) -> HttpResponse:
    """Make a link. It is in this one answer only, so there is no redirect after the POST."""
    found = project_get(request.user, slug, "manage")
    if request.method != "POST":
        return redirect("project_members", slug)
    form = InvitationForm(request.POST, prefix="invitation")
    if form.is_valid():
        try:
            invitation, text = invitation_create(user=request.user, project=found, **form.cleaned_data)
        except (Conflict, InvalidInput) as error:
            show_error(error, form)
        else:
            sent = invitation_send(invitation=invitation, text=text)
            return _page(
                request, found, created=invitation_link(text), sent_to=invitation.email if sent else ""
            )
    return _page(request, found, invitation_form=form)


@require_POST
@signed_in
def revoke(request: SignedInRequest, slug: str, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    found = project_get(request.user, slug, "manage")
    invitation_revoke(user=request.user, project=found, invitation_id=invitation_id)
    messages.success(request, "The invitation is revoked.")
    return redirect("project_members", slug)


@require_POST
@signed_in
def change(request: SignedInRequest, slug: str, username: str) -> HttpResponse:
    """Give a member another role."""
    found = project_get(request.user, slug, "manage")
    try:
        changed = member_change(
            user=request.user, project=found, username=username, role=request.POST.get("role", "")
        )
    except (Conflict, InvalidInput) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{username} is {changed.role} of {found.name} now.")
    return redirect("project_members", slug)


@require_POST
@signed_in
def remove(request: SignedInRequest, slug: str, username: str) -> HttpResponse:
    """Put a member out, or leave."""
    is_me = username == request.user.username
    found = project_get(request.user, slug, "view" if is_me else "manage")
    try:
        member_remove(user=request.user, project=found, username=username)
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("project_members", slug)
    if is_me:
        messages.success(request, f"You have left {found.name}.")
        return redirect("projects")
    messages.success(request, f"{username} is not in {found.name} any more.")
    return redirect("project_members", slug)


@require_POST
@signed_in
def transfer(request: SignedInRequest, slug: str, username: str) -> HttpResponse:
    """Make somebody else owner, and step down."""
    found = project_get(request.user, slug, "manage")
    try:
        project_transfer(user=request.user, project=found, username=username)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found.name} belongs to {username} now; you are an editor of it.")
    return redirect("project_members", slug)


def _page(
    request: SignedInRequest,
    project: Project,
    *,
    member_form: MemberForm | None = None,
    invitation_form: InvitationForm | None = None,
    created: str = "",
    sent_to: str = "",
) -> HttpResponse:
    may = rights(request.user, project)
    context = {
        "project": project,
        "memberships": project.memberships.select_related("user").order_by("user__username"),
        "roles": Role.choices,
        "created": created,
        "sent_to": sent_to,
        **may,
    }
    if may["may_manage"]:
        context |= {
            "member_form": member_form or MemberForm(prefix="member"),
            "invitation_form": invitation_form or InvitationForm(prefix="invitation"),
            "invitations": invitations_of(project),
            "has_mail_server": has_mail_server(),
        }
    is_refused = any(form is not None and form.errors for form in (member_form, invitation_form))
    return render(request, "accounts/project_members.html", context, status=400 if is_refused else 200)
