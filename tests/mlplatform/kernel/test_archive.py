import contextlib
import io
import stat
import zipfile

import pytest

from mlplatform.kernel import archive
from mlplatform.kernel.archive import pack, unpack, without_top_folder
from mlplatform.kernel.errors import InvalidInput

ZIP = zipfile.ZipFile
LIMITS = {"max_bytes": 10_000, "max_files": 5}


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return buffer.getvalue()


def test_files_come_out_as_they_went_in() -> None:
    files = {"train.py": b"x", "pkg/a.py": b"y"}
    assert unpack(pack(files), **LIMITS) == files


def test_equal_content_gives_equal_bytes() -> None:
    assert pack({"b": b"1", "a": b"2"}) == pack({"a": b"2", "b": b"1"})


def test_the_one_top_folder_is_dropped() -> None:
    assert without_top_folder({"repo/train.py": b"x", "repo/a/b.py": b""}) == {
        "train.py": b"x",
        "a/b.py": b"",
    }
    assert without_top_folder({"a/x.py": b"", "y.py": b""}) == {"a/x.py": b"", "y.py": b""}


def test_litter_is_left_out() -> None:
    assert unpack(zipped(("__MACOSX/x", b""), ("a/__pycache__/b.pyc", b""), ("t.py", b"1")), **LIMITS) == {
        "t.py": b"1"
    }


@pytest.mark.parametrize("name", ["../evil.py", "a/../../evil.py", "/etc/passwd", "C:/x.py", "a\\..\\b.py"])
def test_a_path_that_leaves_the_folder_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="leaves the folder"):
        unpack(zipped((name, b"x")), **LIMITS)


def test_links_are_refused() -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InvalidInput, match="is a link"):
        unpack(zipped((info, b"/etc/passwd")), **LIMITS)


def test_a_bomb_is_refused_while_reading() -> None:
    with pytest.raises(InvalidInput, match="more than 1 MiB"):
        unpack(zipped(("zeros", bytes(50 * 2**20))), max_bytes=2**20, max_files=5)


def test_a_header_that_lies_about_the_size_does_not_help() -> None:
    content = zipped(("zeros", bytes(5 * 2**20)))
    lying = content.replace((5 * 2**20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != content
    with pytest.raises(InvalidInput):
        unpack(lying, max_bytes=2**20, max_files=5)


def test_many_small_files_add_up() -> None:
    with pytest.raises(InvalidInput, match="more than"):
        unpack(zipped(*((f"f{i}", bytes(4000)) for i in range(3))), **LIMITS)
    with pytest.raises(InvalidInput, match="holds 6 files; at most 5"):
        unpack(zipped(*((f"f{i}", b"") for i in range(6))), **LIMITS)


def test_a_giant_directory_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SLACK", 3)
    fits = zipped(*((f"d{i}/", b"") for i in range(8)))
    assert unpack(fits, **LIMITS) == {}
    monkeypatch.setattr(zipfile, "ZipFile", None)  # not even opened
    with pytest.raises(InvalidInput, match="over 8 files and folders"):
        unpack(giant(9), **LIMITS)


def giant(members: int) -> bytes:
    """A zip whose end says that it holds one member."""
    with io.BytesIO() as buffer:
        with ZIP(buffer, "w") as made:
            for number in range(members):
                made.writestr(f"{number}/", b"")
        content = buffer.getvalue()
    end = content.rindex(b"PK\x05\x06")
    return content[: end + 8] + b"\x01\x00\x01\x00" + content[end + 12 :]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        unpack(zipped(("a", b"1"), ("a", b"2")), **LIMITS)


def test_a_file_cannot_be_a_folder_too() -> None:
    with pytest.raises(InvalidInput, match="is a file and the folder"):
        unpack(zipped(("a", b"1"), ("a/b.py", b"2")), **LIMITS)


@pytest.mark.parametrize("position", range(0, 120, 3))
def test_a_damaged_zip_is_refused_or_read_but_never_an_accident(position: int) -> None:
    content = bytearray(zipped(("train.py", b"print(1)" * 50)))
    content[position % len(content)] ^= 0xFF
    with contextlib.suppress(InvalidInput):
        unpack(bytes(content), **LIMITS)


def test_something_else_is_not_a_zip() -> None:
    with pytest.raises(InvalidInput, match="not a readable zip") as caught:
        unpack(b"PK but no", **LIMITS)
    assert caught.value.field == "code"


def test_a_zip_is_made_while_it_is_sent() -> None:
    big = [b"a" * 1000] * 3
    parts = archive.packed([("w/a.pt", iter(big)), ("empty", iter(())), ("b", [b"b"])])
    first = next(parts)
    # Nothing waits for the end.
    assert b"w/a.pt" in first
    assert len(first) > 1000
    with zipfile.ZipFile(io.BytesIO(first + b"".join(parts))) as made:
        assert made.testzip() is None
        assert {name: len(made.read(name)) for name in made.namelist()} == {
            "w/a.pt": 3000,
            "empty": 0,
            "b": 1,
        }
