"""Reading projects, always as somebody."""

from django.db.models import QuerySet

from accounts.models import Project
from accounts.permissions import GONE, Person, require, visible_projects
from mlplatform.kernel.errors import NotFound


def project_list(user: Person) -> "QuerySet[Project]":
    """Projects that the person may see, by name."""
    return visible_projects(user).distinct().order_by("name")


def archived_count(user: Person) -> int:
    """How many of them are archived. One query."""
    return project_list(user).filter(archived_at__isnull=False).count()


def project_get(user: Person, slug: str, action: str = "view") -> Project:
    """The project, if the person may do `action` in it. Raises NotFound or Forbidden."""
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise NotFound(GONE)
    require(user, action, project)
    return project
