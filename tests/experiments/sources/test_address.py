import socket

import pytest

from experiments.sources.address import Repository, parse, resolve
from mlplatform.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "asked", "name"),
    [
        ("https://git.example/team/code.git", "https://git.example/team/code.git", "code"),
        (" HTTPS://Git.Example:443/Team/Code/ ", "https://git.example/Team/Code/", "Code"),
        ("https://git.example:8443/a", "https://git.example:8443/a", "a"),
        ("https://git.example/~ada/x%20y+z@2.git", "https://git.example/~ada/x%20y+z@2.git", "x%20y+z@2"),
    ],
)
def test_https_addresses_are_taken(url: str, asked: str, name: str) -> None:
    repository = parse(url, set())
    assert (repository.url, repository.name, repository.trusted) == (asked, name, False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not the https address"),
        ("git.example/code", "not the https address"),
        ("ssh://git.example/code", "not the https address"),
        ("git@git.example:team/code", "not the https address"),
        ("file:///etc/passwd", "not the https address"),
        ("ext::sh -c id", "not the https address"),
        ("--upload-pack=id", "not the https address"),
        ("https://git.example", "not the https address"),
        ("https://git.example/", "not the https address"),
        ("https://git.example/a b", "not the https address"),
        ("https://git.example/code?token=x", "not the https address"),
        ("https://git.example/code#x", "not the https address"),
        ("https://git.example\\@127.0.0.1/x", "user name or a password"),
        ("https://[::1]/code", "not the https address"),
        ("https://git.example./code", "not the https address"),
        ("https://g\u0131t.example/code", "not the https address"),
        ("https://g\u212at.example/code", "not the https address"),
        ("https://git.example/code\nx", "not the https address"),
        ("https://git.example:99999/code", "ports end at 65535"),
        ("http://git.example/code", "not encrypted"),
        ("https://git.example/" + "x" * 500, "at most 500"),
    ],
)
def test_all_others_are_not(url: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(url, set())
    assert words in caught.value.message
    assert caught.value.field == "git_url"


@pytest.mark.parametrize("url", ["https://ada:secret@git.example/code", "https://secret@git.example/code"])
def test_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"upload a \.zip") as caught:
        parse(url, {"git.example"})
    assert "secret" not in caught.value.message


def test_a_host_is_trusted_with_its_port() -> None:
    hosts = {"git.lan", "10.0.0.5:3000"}
    assert parse("http://git.lan/code", hosts).trusted
    assert parse("https://git.lan/code", hosts).trusted
    assert parse("http://10.0.0.5:3000/code", hosts).trusted
    assert not parse("https://git.lan:3000/code", hosts).trusted
    with pytest.raises(InvalidInput, match="not encrypted"):
        parse("http://10.0.0.5:3001/code", hosts)


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_a_host_inside_is_not_asked_even_if_it_is_outside_too(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    answers(monkeypatch, "140.82.121.3", address)
    with pytest.raises(InvalidInput, match="MLP_GIT_HOSTS") as caught:
        resolve(parse("https://git.example/code", set()))
    assert caught.value.field == "git_url"


def test_public_addresses_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "140.82.121.3", "2606:50c0:8000::153", "140.82.121.3")
    assert resolve(parse("https://git.example/code", set())) == ["140.82.121.3", "2606:50c0:8000::153"]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost"])
def test_no_spelling_of_this_machine_passes(host: str) -> None:
    with pytest.raises(InvalidInput):
        resolve(parse(f"https://{host}/code", set()))


def test_a_trusted_host_may_be_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "10.0.0.5")
    assert resolve(parse("http://git.lan/code", {"git.lan"})) == ["10.0.0.5"]


def test_a_host_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    for host in ("git.example", "a" * 70 + ".example"):
        with pytest.raises(InvalidInput, match="is not found"):
            resolve(Repository("https", host, 443, "/x", trusted=False))
