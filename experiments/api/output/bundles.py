"""What the REST API tells about code."""

from typing import Any, TypedDict

from experiments.catalog import Example
from experiments.models import Bundle
from experiments.selectors.bundles import bundle_warnings


class ExampleJson(TypedDict):
    """Built-in training code."""

    name: str
    title: str
    files: list[str]
    manifest: dict[str, Any]


class BundleJson(TypedDict):
    """A code bundle with what it declares."""

    id: str
    name: str
    sha256: str
    size: int
    files: list[str]
    source: dict[str, Any]
    requirements: list[str]
    warnings: list[str]
    manifest: dict[str, Any]


def bundle_json(bundle: Bundle) -> BundleJson:
    """A code bundle with what it declares."""
    return {
        "id": str(bundle.id),
        "name": bundle.name,
        "sha256": bundle.sha256,
        "size": bundle.size,
        "files": bundle.files,
        "source": bundle.source,
        "requirements": bundle.requirements,
        "warnings": bundle_warnings(bundle),
        "manifest": bundle.manifest,
    }


def example_json(example: Example) -> ExampleJson:
    """An example with what it declares."""
    return {
        "name": example.name,
        "title": example.title,
        "files": sorted(example.files),
        "manifest": example.manifest.to_json(),
    }
