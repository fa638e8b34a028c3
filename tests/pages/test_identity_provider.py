"""Signing in at an identity provider with a browser, under the portal's own policy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.pages.portal import web_alone
from tests.servers.oidc import CLIENT_ID, CLIENT_SECRET, Issuer

# The portal is another process: what it writes is committed, and is to be gone afterwards.
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GRACE = {"sub": "8c1f", "preferred_username": "grace", "email": "grace@example.org", "email_verified": True}


@pytest.fixture
def portal_url(
    transactional_db: None,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """Of a portal that knows the issuer by its settings."""
    issuer = Issuer(person=dict(GRACE))
    for name, value in {
        "URL": issuer.url,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "NAME": "Example SSO",
        "GROUPS": "ml-admins=admin",
    }.items():
        monkeypatch.setenv(f"MLP_OIDC_{name}", value)
    with issuer.running(), web_alone(tmp_path_factory.mktemp("pages")) as web:
        yield web.url


def test_there_and_back(portal_url: str, chromium: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for scripts in (True, False):
            page = browser.new_context(java_script_enabled=scripts).new_page()
            page.goto(f"{portal_url}/accounts/login/?next=/profile/")
            page.get_by_role("button", name="Sign in with Example SSO").click()
            expect(page.get_by_text("Signed in as grace, here")).to_be_visible()
        browser.close()
