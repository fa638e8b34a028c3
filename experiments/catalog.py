"""The built-in examples: folders under experiments/examples with an experiment.yaml each."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from experiments.manifest import FILE_NAME, Manifest
from mlplatform.kernel.errors import NotFound


@dataclass(frozen=True)
class Example:
    """Training code that ships with the platform."""

    name: str
    manifest: Manifest
    files: dict[str, bytes]

    @property
    def title(self) -> str:
        """First line of the description."""
        return self.manifest.description.strip().partition("\n")[0].rstrip(".") or self.name

    @property
    def description(self) -> str:
        """The whole description."""
        return self.manifest.description.strip()


@cache
def examples() -> tuple[Example, ...]:
    """All examples, the one to start with first."""
    folders = sorted(path.parent for path in Path(settings.EXAMPLES_DIR).glob(f"*/{FILE_NAME}"))
    found = [_load(folder) for folder in folders]
    return tuple(sorted(found, key=lambda example: (example.name != "digits", example.name)))


def example_get(name: str) -> Example:
    """One example. Raises NotFound naming those that exist."""
    for example in examples():
        if example.name == name:
            return example
    known = ", ".join(example.name for example in examples())
    raise NotFound(f"There is no example {name!r}; choose one of {known}.")


def _load(folder: Path) -> Example:
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return Example(name=folder.name, manifest=Manifest.from_yaml(files[FILE_NAME].decode()), files=files)
