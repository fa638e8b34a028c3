import pytest

from mlplatform.http.address import peer


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        (None, ""),
        ("unix:/run/portal", ""),
    ],
)
def test_who_is_at_the_other_end(host: object, address: str) -> None:
    assert peer(host) == address
