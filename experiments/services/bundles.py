"""Taking training code in: from an upload or from a built-in example; services.git_bundles fetches it from Git."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction

from accounts.models import Project, User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments import inspection, requirements
from experiments.catalog import example_get
from experiments.manifest import FILE_NAME, Manifest
from experiments.models import Bundle
from experiments.selectors.bundles import check_requirements
from experiments.selectors.code import broken
from experiments.services.quotas import check_stored
from mlplatform.kernel import archive, storage
from mlplatform.kernel.errors import InvalidInput, TooLarge

# Parsing takes several hundred times the memory of the text.
MAX_FILE_BYTES = 2**20
MAX_SOURCE_BYTES = 5 * 2**20


def bundle_from_example(*, user: User, project: Project, name: str) -> Bundle:
    """Bundle of a built-in example."""
    require(user, "launch", project)
    source = {"kind": "example", "name": name}
    return bundle_store(user=user, project=project, name=name, files=example_get(name).files, source=source)


def bundle_from_upload(*, user: User, project: Project, filename: str, content: bytes) -> Bundle:
    """Bundle of one `.py` or a `.zip`. Nothing of it is run here.

    Raises InvalidInput or TooLarge with field="code" for whatever cannot be taken.
    """
    require(user, "launch", project)
    limit = settings.MAX_BUNDLE_BYTES
    if len(content) > limit:
        raise TooLarge(f"{filename} has {len(content):,} bytes; at most {limit:,} are taken.", field="code")
    path = PurePosixPath(filename)
    match path.suffix.lower():
        case ".py":
            if not path.stem.isidentifier():
                raise InvalidInput(
                    f"{filename} cannot be imported by Python; rename it, for example train.py.", field="code"
                )
            files = {path.name: content}
        case ".zip":
            files = archive.without_top_folder(
                archive.unpack(content, max_bytes=limit, max_files=settings.MAX_BUNDLE_FILES)
            )
        case _:
            raise InvalidInput(
                f"{filename} is neither a .py file nor a .zip; upload one of these.", field="code"
            )
    # A browser may send a whole path, and the row of a source fits into an index.
    source = {"kind": "upload", "filename": path.name[-255:]}
    return bundle_store(user=user, project=project, name=path.stem, files=files, source=source)


def sources(files: Mapping[str, bytes]) -> dict[str, str]:
    """The Python files as text. Raises InvalidInput(field="code") for one that is not UTF-8."""
    found = {}
    left = MAX_SOURCE_BYTES
    for name, content in files.items():
        if name.endswith(".py"):
            left -= len(content)
            if left < 0 or len(content) > MAX_FILE_BYTES:
                raise InvalidInput(
                    f"{name} makes too much Python: at most {MAX_FILE_BYTES // 2**20} MiB in one file and "
                    f"{MAX_SOURCE_BYTES // 2**20} MiB together are read. Keep data in data files.",
                    field="code",
                )
            try:
                found[name] = content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{name} is not UTF-8 text: {error}.", field="code") from error
    return found


def bundle_files(bundle: Bundle) -> dict[str, bytes]:
    """Unpack a stored bundle. Raises BundleBroken, or StorageAway if nothing is known about it."""
    content = storage.read(bundle.key)
    if content is None:
        raise broken(bundle, "is not in the storage any more")
    if hashlib.sha256(content).hexdigest() != bundle.sha256:
        raise broken(bundle, "is damaged in the storage")
    return archive.unpack(content, max_bytes=settings.MAX_BUNDLE_BYTES, max_files=settings.MAX_BUNDLE_FILES)


def bundle_store(
    *, user: User, project: Project, name: str, files: Mapping[str, bytes], source: Mapping[str, str]
) -> Bundle:
    """Check the files and keep them. Equal files of an equal source are one bundle; all equal files share one zip.

    The caller has checked that the user may. Raises QuotaExceeded if it does not fit into the storage.
    """
    name = name[:100]
    manifest = _manifest(name, files)
    required = requirements.parse(files.get(requirements.FILE_NAME, b""))
    check_requirements(required)
    content = archive.pack(files)
    digest = hashlib.sha256(content).hexdigest()
    if not Bundle.objects.filter(project=project, sha256=digest).exists():
        check_stored(project, user, more=len(content))
    storage.write(f"bundles/{digest}.zip", content)
    with transaction.atomic():
        bundle, created = Bundle.objects.get_or_create(
            project=project,
            sha256=digest,
            source=source,
            defaults={
                "name": name,
                "size": len(content),
                "files": sorted(files),
                "manifest": manifest.to_json(),
                "requirements": required,
                "created_by": user,
            },
        )
        if created:
            # Once more, for somebody else may have stored something meanwhile.
            check_stored(project, user)
            audit(user, "bundle.create", bundle, project=project, sha256=digest, source=source)
    # The last bundle with these files may have been deleted meanwhile, with the zip: see services.code_purge.
    if not storage.exists(bundle.key):
        storage.write(bundle.key, content)
    return bundle


def _manifest(name: str, files: Mapping[str, bytes]) -> Manifest:
    python = sources(files)
    if not python:
        raise InvalidInput("There is no Python file in it.", field="code")
    inspection.check_syntax(python)
    if FILE_NAME not in files:
        return inspection.guess_manifest(name, python)
    manifest = Manifest.from_yaml(files[FILE_NAME].decode("utf-8", errors="replace"))
    if not manifest.entrypoint:
        raise InvalidInput(f"{FILE_NAME} names no entrypoint; add entrypoint: module:function.", field="code")
    inspection.check_entrypoint(python, manifest.entrypoint)
    return manifest
