"""The zip that a Ray job runs in: our harness beside the user's code, stored by content, fetched by signed URL."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from mlplatform.kernel import storage
from mlplatform.kernel.archive import pack
from mlplatform.kernel.errors import NotFound

HARNESS = Path(__file__).parent.parent / "harness"
_signer = Signer(salt="runners.package")


@cache
def _harness_files() -> dict[str, bytes]:
    return {f"mlp_harness/{path.name}": path.read_bytes() for path in sorted(HARNESS.glob("*.py"))}


def package_build(code: Mapping[str, bytes]) -> str:
    """Store the package of some user code; return its key. Equal code gives the same key."""
    files = {**_harness_files(), **{f"code/{name}": content for name, content in code.items()}}
    # Ray drops a zip's only top folder, so there must be exactly one.
    content = pack(files, prefix="package/")
    return storage.write(f"packages/{hashlib.sha256(content).hexdigest()}.zip", content)


def package_url(key: str) -> str:
    """URL by which a job fetches a package. The signature is a path segment: Ray takes no query there."""
    name = key.removeprefix("packages/")
    return f"{settings.HARNESS_URL}{reverse('harness_package', args=[_signer.signature(name), name])}"


def package_open(signature: str, name: str) -> bytes:
    """Bytes of a package. Raises NotFound for a wrong signature or a lost file, StorageAway."""
    try:
        _signer.unsign(f"{name}:{signature}")
    except BadSignature:
        raise NotFound("There is no such package.") from None
    content = storage.read(f"packages/{name}")
    if content is None:
        raise NotFound("The package is not in the storage any more.")
    return content
