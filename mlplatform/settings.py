"""Django settings. Everything an operator may change comes from the environment through kernel.env."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from mlplatform.kernel import env
from mlplatform.sign_in import *  # noqa: F403  (Django reads settings from one module)

ENV = env.read(os.environ)
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = ENV["MLP_SECRET_KEY"]
DEBUG = ENV["MLP_DEBUG"]
PORTAL_URL = ENV["MLP_PORTAL_URL"]
HARNESS_URL = ENV["MLP_HARNESS_URL"] or PORTAL_URL
MLFLOW_URL = ENV["MLP_MLFLOW_URL"]
VALKEY_URL = ENV["MLP_VALKEY_URL"]
STORAGE = ENV["MLP_STORAGE"]

# Runner backends: name -> adapter (a key of RUNNERS), its address, and what it can hold.
RUNNERS = {
    "ray_jobs": "runners.adapters.ray_jobs.RayJobsRunner",
}
BACKENDS = {
    "local": {
        "runner": "ray_jobs",
        "address": ENV["MLP_RAY_ADDRESS"],
        "token": ENV["MLP_RAY_TOKEN"],
        "cpus": ENV["MLP_RAY_CPUS"],
        "gpus": ENV["MLP_RAY_GPUS"],
        "memory": ENV["MLP_RAY_MEMORY"],
        "preemption": ENV["MLP_PREEMPTION"],
        "packages": dict(ENV["MLP_RAY_PACKAGES"]),
    },
}
DEFAULT_BACKEND = "local"

TRACKING_STORE = "experiments.tracking.mlflow_store.MlflowStore"
EXAMPLES_DIR = BASE_DIR / "experiments" / "examples"
MAX_BUNDLE_BYTES = 50 * 2**20
MAX_BUNDLE_FILES = 2000
GIT_HOSTS = frozenset(ENV["MLP_GIT_HOSTS"])
API_RATE = ENV["MLP_API_RATE"]
KEEP_POINTS_MONTHS = ENV["MLP_KEEP_POINTS_MONTHS"]
SYSTEM_METRICS_SECONDS = ENV["MLP_SYSTEM_METRICS_SECONDS"]
MAX_BATCH_BYTES = 4 * 2**20
# Batches at a time in a web process. Pages keep what is left of the connections in DATABASES.
MAX_INGESTS = 8
# Above it, so that a batch that is too large gets our own answer, which makes the harness split it.
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BATCH_BYTES + 2**20
# With a tick every two seconds, a worker that died is noticed within 15; see docs/invariants/leases.md.
LEASE_SECONDS = 12
STOP_GRACE_SECONDS = 30
# A paused run may train this long until its next checkpoint; then it stops at any report.
PAUSE_GRACE_SECONDS = 30
IDLE_ALLOCATION_SECONDS = 20
QUEUE_TURN_SECONDS = ENV["MLP_QUEUE_TURN_SECONDS"]
QUEUE_PATIENCE_SECONDS = ENV["MLP_QUEUE_PATIENCE_SECONDS"]
# A job that was submitted this long ago and has not asked for a run is stopped.
START_TIMEOUT_SECONDS = 600
MAX_LOST_ATTEMPTS = 3
# Whatever progress a run makes between its losses.
MAX_LOST_IN_ALL = 20

_portal = urlsplit(PORTAL_URL)
_harness = urlsplit(HARNESS_URL)
ALLOWED_HOSTS = sorted({str(_portal.hostname), str(_harness.hostname), "127.0.0.1", "localhost"})
CSRF_FAILURE_VIEW = "mlplatform.http.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [f"{_portal.scheme}://{_portal.netloc}"]
# Pages that may open a WebSocket. A portal on this machine is reached by both of its names.
_LOOPBACK = ("127.0.0.1", "localhost")
LIVE_ORIGINS = [PORTAL_URL] + [
    PORTAL_URL.replace(str(_portal.hostname), name, 1) for name in _LOOPBACK if _portal.hostname in _LOOPBACK
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _portal.scheme == "https" else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _portal.scheme == "https"
# Browsers send a host's cookies to all of its ports: without the port in their names, two portals on one machine would
# sign each other's users out.
_port = f"_{_portal.port}" if _portal.port else ""
SESSION_COOKIE_NAME = f"mlp_session{_port}"
CSRF_COOKIE_NAME = f"mlp_csrf{_port}"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
    "template_partials",
    "accounts",
    "runners",
    "experiments",
]

MIDDLEWARE = [
    "mlplatform.http.limits.NoNulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "mlplatform.http.staticfiles.StaticFilesMiddleware",
    "mlplatform.http.compression.PageGZipMiddleware",
    "mlplatform.http.conditional.ApiConditionalGetMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.web.sessions.LastSeenMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mlplatform.http.limits.BodyLimitMiddleware",
    "mlplatform.http.errors.PlatformErrorMiddleware",
]

ROOT_URLCONF = "mlplatform.urls"
ASGI_APPLICATION = "mlplatform.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["template_partials.templatetags.partials", "mlplatform.http.templatetags"],
        },
    },
]

# Each ASGI request runs in a thread of its own, so connections are pooled per process, not per thread. While PostgreSQL
# is away, requests are refused before the most hurried client gives up (`runners/harness/deaths.py`, 3 s); and the time
# between two tries to connect stays that short, instead of doubling for as long as it is away.
DATABASE_POOL: dict[str, Any] = {"min_size": 1, "max_size": 12, "timeout": 2.5, "reconnect_timeout": 2.5}
_database = conninfo_to_dict(ENV["MLP_DATABASE_URL"])
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database["dbname"],
        "USER": _database.get("user", ""),
        "PASSWORD": _database.get("password", ""),
        "HOST": _database.get("host", ""),
        "PORT": _database.get("port", ""),
        # Prepared statements: PostgreSQL need not plan the same few queries again and again.
        "OPTIONS": {"pool": DATABASE_POOL, "server_side_binding": True, "prepare_threshold": 3},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": VALKEY_URL},
    # For what is quick to make again and never changes under its key; pages do without Valkey.
    "process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [VALKEY_URL], "prefix": "mlp.live"},
    },
}

AUTH_USER_MODEL = "accounts.User"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.api.authentication.WithinToken",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "mlplatform.http.parsers.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.limits.CallerThrottle"],
    "DEFAULT_SCHEMA_CLASS": "mlplatform.http.schema.PlatformSchema",
    "EXCEPTION_HANDLER": "mlplatform.http.errors.problem_json",
    "DEFAULT_THROTTLE_RATES": {"sign_in": "20/min", "sign_in_name": "10/min"},
    # Anybody can write an X-Forwarded-For header: only what proxies of our own added tells who is guessing passwords.
    "NUM_PROXIES": ENV["MLP_TRUSTED_PROXIES"],
}

SPECTACULAR_SETTINGS = {
    "TITLE": "mlplatform",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    # It says nothing that the code does not, and is kept: see mlplatform.urls.
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SORT_OPERATIONS": False,
    "ENUM_NAME_OVERRIDES": {
        "TokenScope": "accounts.models.Scope.choices",
        "QuotaScope": "accounts.models.QuotaScope.choices",
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    },
}

STATIC_URL = "static/"
STATIC_ROOT = ENV["MLP_STATIC_ROOT"]
STATICFILES_DIRS = [("app", BASE_DIR / "static" / "app")]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "mlplatform.http.staticfiles.UsedAppsFinder",
    "mlplatform.http.staticfiles.VendorFinder",
]
STATICFILES_APPS = ["allauth.account", "allauth.mfa", "django.contrib.admin"]
# What pages use of the npm packages: served name -> path in VENDOR_DIR.
VENDOR_DIR = BASE_DIR / "static" / "node_modules"
VENDOR_FILES = {
    "vendor/htmx.min.js": "htmx.org/dist/htmx.min.js",
    "vendor/inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "vendor/swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "vendor/swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "vendor/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/uplot.min.css": "uplot/dist/uPlot.min.css",
    "vendor/uplot.min.js": "uplot/dist/uPlot.iife.min.js",
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "mlplatform.http.staticfiles.ManifestStorage"},
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"outage": {"()": "mlplatform.http.outage.OneLine"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}, "django.request": {"filters": ["outage"]}},
}
