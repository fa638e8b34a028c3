from pathlib import Path
from typing import Any

import pytest

from mlplatform.cli import folder
from mlplatform.cli.folder import FolderError, pack_folder
from mlplatform.kernel.archive import unpack


def test_a_folder_is_packed_without_what_tools_leave_behind(tmp_path: Path) -> None:
    for name in (".git/config", "a/__pycache__/x.bin", ".venv/bin/python", "node_modules/x/y.js", "a/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"left behind")
    for name in ("train.py", "a/b.py", ".github/x.yml", "experiment.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    content = pack_folder(tmp_path)
    assert unpack(content, max_bytes=1000, max_files=10) == {
        name: name.encode() for name in ("train.py", "a/b.py", ".github/x.yml", "experiment.yaml")
    }
    assert pack_folder(tmp_path) == content


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(b"")
    (tmp_path / "sub").mkdir()
    for target in (tmp_path / "train.py", tmp_path, tmp_path / "nowhere"):
        (tmp_path / "sub" / "link").unlink(missing_ok=True)
        (tmp_path / "sub" / "link").symlink_to(target)
        with pytest.raises(FolderError, match="sub/link is a link"):
            pack_folder(tmp_path)


def test_a_link_among_what_is_left_out_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(b"x")
    (tmp_path / ".venv").symlink_to("/usr")
    assert pack_folder(tmp_path)


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 3), ("MAX_FILES", 1)])
def test_too_much_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    (tmp_path / "a.py").write_bytes(b"12")
    (tmp_path / "b.py").write_bytes(b"34")
    assert pack_folder(tmp_path)
    monkeypatch.setattr(folder, limit, value)
    with pytest.raises(FolderError, match=r"\(at b.py\)"):
        pack_folder(tmp_path)


def test_the_limits_are_the_portals(settings: Any) -> None:
    assert (folder.MAX_BYTES, folder.MAX_FILES) == (settings.MAX_BUNDLE_BYTES, settings.MAX_BUNDLE_FILES)


def test_nothing_to_pack(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="holds no file"):
        pack_folder(tmp_path)
    with pytest.raises(FolderError, match="cannot be read"):
        pack_folder(tmp_path / "nowhere")
