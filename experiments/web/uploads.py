"""A file that a form has sent becomes a bundle."""

from django.conf import settings

from accounts.models import Project
from accounts.web.access import SignedInRequest
from experiments.models import Bundle
from experiments.services.bundles import bundle_from_upload
from mlplatform.kernel.errors import InvalidInput, TooLarge


def uploaded(request: SignedInRequest, project: Project) -> Bundle:
    """The bundle of the file `code`. Raises InvalidInput or TooLarge with what keeps it from being one."""
    upload = request.FILES.get("code")
    if upload is None:
        raise InvalidInput("Choose a .py file or a .zip first.", field="code")
    if upload.size is not None and upload.size > settings.MAX_BUNDLE_BYTES:
        raise TooLarge(f"{upload.name} is larger than {settings.MAX_BUNDLE_BYTES // 2**20} MB.", field="code")
    return bundle_from_upload(
        user=request.user, project=project, filename=upload.name or "", content=upload.read()
    )
