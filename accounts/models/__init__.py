"""Tables of the accounts app."""

from accounts.models.audit import AuditEvent
from accounts.models.mail import KeptMail
from accounts.models.person import User
from accounts.models.project import Membership, Project, Role
from accounts.models.request import AnsweredRequest
from accounts.models.token import ApiToken

__all__ = ["AnsweredRequest", "ApiToken", "AuditEvent", "KeptMail", "Membership", "Project", "Role", "User"]
