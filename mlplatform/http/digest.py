"""Telling whether two requests say the same."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict


def request_digest(request: HttpRequest, content: Any, *, leaving_out: str = "") -> str:
    """SHA-256 of method, address and parsed content; `leaving_out` names a field of a form that does not count."""
    said = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    said.update(json.dumps(_plain(content, leaving_out), sort_keys=True, default=_file).encode())
    return said.hexdigest()


def _plain(content: Any, leaving_out: str) -> Any:
    if not isinstance(content, QueryDict):
        return content
    lists: Mapping[str, list[Any]] = dict(content.lists())
    return {name: values for name, values in lists.items() if name != leaving_out}


def _file(value: Any) -> Any:
    """Files as their name and a hash of what is in them."""
    if not isinstance(value, UploadedFile):
        raise TypeError(f"{type(value).__name__} is not part of a request")
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]
