"""Tables of the accounts app."""

from accounts.models.audit import AuditEvent
from accounts.models.person import User
from accounts.models.project import Membership, Project, Role
from accounts.models.quota import Quota, QuotaNotice, QuotaScope, Resource
from accounts.models.request import AnsweredRequest
from accounts.models.token import ApiToken

__all__ = [
    "AnsweredRequest",
    "ApiToken",
    "AuditEvent",
    "Membership",
    "Project",
    "Quota",
    "QuotaNotice",
    "QuotaScope",
    "Resource",
    "Role",
    "User",
]
