"""The product's settings on the test session's own servers, with what makes tests fast."""

import os

from tests.stack import SERVERS

os.environ.update(SERVERS.environment())

from mlplatform.settings import *  # noqa: F403  (they read the environment)
from mlplatform.settings import DATABASES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Django ends a test's connections itself; a pool would keep them.
del DATABASES["default"]["OPTIONS"]["pool"]
# Pages name their static files without a manifest, so no `collectstatic` is needed.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
