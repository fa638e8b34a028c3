// Passkeys: buttons where they can work, and words for what went wrong. allauth's own scripts speak to the browser.

const WORDS = {
  NotAllowedError: "No passkey was used: the question was canceled, or took too long.",
  InvalidStateError: "This device has a passkey for your account already.",
  NotSupportedError: "This device cannot make such a passkey.",
  SecurityError: "This address of the portal cannot use passkeys; ask an administrator for its proper name.",
  ConstraintError: "This key is not protected by a PIN, a fingerprint or a face. Set one, or use it as a second step only.",
};
const LOOPBACK = ["127.0.0.1", "[::1]"];

// Browsers tie a passkey to a name, never to a number.
function isNumber(host) {
  return host.startsWith("[") || /^[\d.]+$/.test(host);
}

function explain(box) {
  if (LOOPBACK.includes(location.hostname)) {
    const link = document.createElement("a");
    link.href = location.href.replace(location.hostname, "localhost");
    link.textContent = `open this page at ${link.host}`;
    box.append("Passkeys need a name instead of a number in the address: ", link, ".");
  } else if (isNumber(location.hostname)) {
    box.append("Passkeys need a name instead of a number in the portal’s address.");
  } else {
    box.append("Passkeys need a browser that knows them, and an address that begins with https.");
  }
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const { exception } = event.detail;
  const text = WORDS[exception.name] ?? `The passkey could not be used (${exception.message}). Reload the page and try again.`;
  document.dispatchEvent(new CustomEvent("toast", { detail: { level: "error", text } }));
});

const works = Boolean(window.PublicKeyCredential) && !isNumber(location.hostname);
for (const button of document.querySelectorAll("[data-passkey]")) button.hidden = !works;
// A page where a password does as well has no such place.
for (const box of works ? [] : document.querySelectorAll("[data-passkey-off]")) {
  explain(box);
  box.hidden = false;
}
