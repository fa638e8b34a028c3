"""The part of the settings that says how people sign in, and who may write to them."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

from mlplatform.kernel import env
from mlplatform.kernel.errors import ConfigurationError

_env = env.read(os.environ)
_portal = urlsplit(_env["MLP_PORTAL_URL"])

SIGNUP = _env["MLP_SIGNUP"]

ALLAUTH_TRUSTED_PROXY_COUNT = _env["MLP_TRUSTED_PROXIES"]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = _env["MLP_EMAIL_VERIFICATION"]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _portal.scheme
# To the owner of an account: the password has changed, a second factor is gone, and the like.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[mlplatform] "
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
# Whoever finds an open browser cannot take the account over: what opens it is asked for again.
ACCOUNT_REAUTHENTICATION_REQUIRED = True

MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Without a mail server no address is verified, and a second factor protects the account all the same.
MFA_ALLOW_UNVERIFIED_EMAIL = True
USERSESSIONS_ADAPTER = "accounts.adapter.SessionsAdapter"

OIDC_SIGNUP = _env["MLP_OIDC_SIGNUP"]
OIDC_GROUPS_CLAIM = _env["MLP_OIDC_GROUPS_CLAIM"]
OIDC_GROUPS = tuple(_env["MLP_OIDC_GROUPS"])
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
if _env["MLP_OIDC_URL"] and not _env["MLP_OIDC_CLIENT_ID"]:
    raise ConfigurationError(
        "MLP_OIDC_URL is set and MLP_OIDC_CLIENT_ID is not. Register the portal at the issuer."
    )
_issuer = {
    "provider_id": "sso",
    "name": _env["MLP_OIDC_NAME"],
    "client_id": _env["MLP_OIDC_CLIENT_ID"],
    "secret": _env["MLP_OIDC_CLIENT_SECRET"],
    "settings": {
        "server_url": _env["MLP_OIDC_URL"],
        "email_authentication": _env["MLP_OIDC_TRUST_EMAIL"],
    },
}
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "openid_connect": {
        "APPS": [_issuer] if _env["MLP_OIDC_URL"] else [],
        "OAUTH_PKCE_ENABLED": True,
        "SCOPE": _env["MLP_OIDC_SCOPE"].split(),
    },
}

_mail = urlsplit(_env["MLP_EMAIL_URL"])
EMAIL_BACKEND = "accounts.services.mail." + ("SmtpBackend" if _mail.scheme else "KeptBackend")
EMAIL_HOST = _mail.hostname or ""
EMAIL_PORT = _mail.port or {"smtps": 465, "smtp+tls": 587}.get(_mail.scheme, 25)
EMAIL_HOST_USER = unquote(_mail.username or "")
EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = _mail.scheme == "smtp+tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _env["MLP_EMAIL_FROM"] or f"mlplatform <noreply@{_portal.hostname}>"
