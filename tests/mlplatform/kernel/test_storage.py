from pathlib import Path
from typing import Any

import pytest

from mlplatform.kernel import storage


def test_path_inside_becomes_a_url(storage_path: Path) -> None:
    inside = f"{storage_path}/runs/1/checkpoint"
    assert storage.url_inside(inside, "runs", "1") == f"file://{inside}"
    assert storage.url_inside(f"file://{inside}/", "runs", "1") == f"file://{inside}"


@pytest.mark.parametrize(
    "path", ["runs/2/checkpoint", "runs/1/../2/checkpoint", "runs/11/checkpoint", "runs/1"]
)
def test_path_outside_is_refused(storage_path: Path, path: str) -> None:
    assert storage.url_inside(f"{storage_path}/{path}", "runs", "1") is None


@pytest.mark.parametrize("path", ["/etc/passwd", "memory://runs/1/x", "", "runs/1/x"])
def test_path_elsewhere_is_refused(path: str) -> None:
    assert storage.url_inside(path, "runs", "1") is None


def test_object_storage_gets_its_scheme_back(settings: Any) -> None:
    settings.STORAGE = "memory://bucket"
    assert storage.url_inside("/bucket/runs/1/x", "runs", "1") == "memory:///bucket/runs/1/x"


def test_a_tree_that_two_delete_at_once_is_gone(storage_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stumbles over what the other has deleted already; neither fails, and nothing stays."""
    folder = storage_path / "runs" / "1"
    folder.mkdir(parents=True)
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(b"x" * 10)
    fs, _ = storage.filesystem()
    remove, stumbles = fs.rm, [folder / "a", folder / "b"]

    def stumble(path: str, recursive: bool) -> None:
        if stumbles:
            stumbles.pop().unlink()
            raise FileNotFoundError
        remove(path, recursive=recursive)

    monkeypatch.setattr(fs, "rm", stumble)
    assert storage.delete_tree(f"file://{folder}") == 10
    assert not folder.exists()
    assert storage.delete_tree(f"file://{folder}") == 0
