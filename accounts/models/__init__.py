"""Tables of the accounts app."""

from accounts.models.audit import AuditEvent
from accounts.models.deletion import ProjectDeletion
from accounts.models.grant import Grant, Scope
from accounts.models.invitation import Invitation
from accounts.models.mail import KeptMail
from accounts.models.person import User
from accounts.models.project import Membership, Project, Role
from accounts.models.quota import Quota, QuotaNotice, QuotaScope, Resource
from accounts.models.request import AnsweredRequest
from accounts.models.token import ApiToken

__all__ = [
    "AnsweredRequest",
    "ApiToken",
    "AuditEvent",
    "Grant",
    "Invitation",
    "KeptMail",
    "Membership",
    "Project",
    "ProjectDeletion",
    "Quota",
    "QuotaNotice",
    "QuotaScope",
    "Resource",
    "Role",
    "Scope",
    "User",
]
