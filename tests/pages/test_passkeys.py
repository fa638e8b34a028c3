"""Passkeys in Chromium with an authenticator that it plays itself, under the portal's own policy."""

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.fixtures import PASSWORD
from tests.pages.conftest import Visitor
from tests.pages.shots import keep

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def device(page: Page) -> tuple[CDPSession, str]:
    """Something like a fingerprint reader, and its name."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return session, str(made["authenticatorId"])


def named(visitor: Visitor) -> str:
    """The portal by its name: browsers tie no passkey to a number."""
    return visitor.portal.url.replace("127.0.0.1", "localhost")


def forget(page: Page) -> None:
    """Sign out, as a browser does that has lost its cookies; its pages are closed."""
    page.goto("about:blank")
    page.context.clear_cookies()


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("Username or email").fill("olivia")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda where: "/login/" not in where)


def test_from_adding_a_passkey_to_signing_in_with_it(visitor: Visitor) -> None:
    page, url = visitor.open(None), named(visitor)
    session, name = device(page)
    sign_in(page, url)
    page.goto(f"{url}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()
    page.goto(f"{url}/accounts/2fa/webauthn/")
    expect(page.get_by_text("Laptop")).to_be_visible()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        keep(lambda path: page.screenshot(path=path, full_page=True), f"passkeys-{width}.png")

    forget(page)
    page.goto(f"{url}/accounts/login/?next=/profile/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Profile", level=1)).to_be_visible()

    # The password alone opens nothing now; the passkey is the second step too.
    forget(page)
    sign_in(page, url)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()

    session.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": False})
    forget(page)
    page.goto(f"{url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#toasts")).to_contain_text("No passkey was used")


def test_a_page_at_a_number_says_what_to_do(visitor: Visitor) -> None:
    page = visitor.open(visitor.portal.seeded.owner)
    page.goto("/accounts/2fa/webauthn/add/")
    link = page.get_by_role("link", name="open this page at localhost")
    assert link.get_attribute("href") == f"{named(visitor)}/accounts/2fa/webauthn/add/"
    expect(page.get_by_role("button", name="Add passkey")).to_be_hidden()
