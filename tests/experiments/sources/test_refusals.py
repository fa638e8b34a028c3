import pytest

from experiments.sources.refusals import MAX_SAID, not_fetched, words


@pytest.mark.parametrize(
    ("said", "field", "remedy"),
    [
        ("fatal: couldn't find remote ref v9", "git_revision", "Name a branch"),
        ("fatal: remote error: upload-pack: not our ref 00", "git_revision", "Name a branch"),
        ("fatal: Needed a single revision FETCH_HEAD^{commit}", "git_revision", "Name a branch"),
        ("fatal: could not read Username for 'x'", "git_url", "private or not there"),
        ("fatal: repository 'x' not found", "git_url", "private or not there"),
        ("fatal: The requested URL returned error: 302", "git_url", "final address"),
        ("fatal: server certificate verification failed.", "git_url", "add its authority"),
        ("fatal: SSL certificate problem: self-signed certificate", "git_url", "add its authority"),
        ("fatal: unable to access 'x': Connection refused", "git_url", "Check the URL"),
    ],
)
def test_what_git_said_decides_the_remedy(said: str, field: str, remedy: str) -> None:
    error = not_fetched("https://git.example/x", "v9", f"warning: no matter\n{said}\n")
    assert error.field == field
    assert said in error.message
    assert "no matter" not in error.message
    assert remedy in error.message


def test_words_are_short_and_printable() -> None:
    assert words("") == "nothing"
    assert words("something else") == "something else"
    assert words("remote: \x1b[31mred\x07\u202e\nfatal: end\n") == "remote: [31mred fatal: end"
    assert len(words("fatal: " + "x" * 10_000)) == MAX_SAID
