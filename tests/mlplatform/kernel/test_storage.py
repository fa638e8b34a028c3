from pathlib import Path
from typing import Any

import pytest

from mlplatform.kernel import storage
from mlplatform.kernel.errors import NotFound


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


def test_parts_of_a_file(storage_path: Path) -> None:
    storage.write("bundles/a", b"abcdef")
    with storage.opened("bundles/a") as file:
        assert file is not None
        file.seek(3)
        assert file.read(2) == b"de"
    with storage.opened("bundles/b") as file:
        assert file is None
    with pytest.raises(storage.StorageAway, match="is it mounted"), storage.opened("elsewhere/a"):
        pass
    with pytest.raises(storage.StorageAway, match="no more"), storage.opened("bundles/a"):
        raise OSError("no more")
    with pytest.raises(NotFound), storage.opened("bundles/a"):
        raise NotFound("said by whoever reads")


def test_files_of_a_folder_without_what_links_lead_to(storage_path: Path) -> None:
    """A job could otherwise show anybody's files as its checkpoint."""
    folder = storage_path / "runs" / "1" / "c"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "w.pt").write_bytes(b"x" * 7)
    (storage_path / "secret").mkdir()
    (storage_path / "secret" / "key").write_bytes(b"key")
    (folder / "key").symlink_to(storage_path / "secret" / "key")
    (folder / "all").symlink_to(storage_path / "secret")
    url = f"file://{folder}"
    assert storage.files_in(url) == {"deep/w.pt": 7}
    assert b"".join(storage.chunks(url, "deep/w.pt")) == b"x" * 7
    assert storage.files_in(f"{url}/none") == {}
    with pytest.raises(storage.StorageAway):
        list(storage.chunks(url, "none"))


def test_files_of_an_object_storage(settings: Any) -> None:
    settings.STORAGE = "memory://shelf"
    storage.write("runs/1/w.pt", b"abc")
    url = storage.url_inside(storage.path("runs", "1"), "runs") or ""
    assert storage.files_in(url) == {"w.pt": 3}
    assert b"".join(storage.chunks(url, "w.pt")) == b"abc"
    assert not storage.is_local()
    storage.delete_tree(url)
