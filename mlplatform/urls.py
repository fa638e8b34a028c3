"""URLs of the whole portal."""

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from mlplatform.http.health import healthz

# One way to sign in, with its rate limits, and one to sign out, for the admin site too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.logout = logout  # type: ignore[method-assign]

admin.site.site_header = admin.site.site_title = "mlplatform administration"

# It changes with the code alone, and takes long to make.
schema = cache_page(None, cache="process")(SpectacularAPIView.as_view(throttle_classes=()))

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    # One page to change a password, which tells the audit and the other sessions.
    path(
        "admin/password_change/",
        RedirectView.as_view(pattern_name="account_change_password"),
        name="password_change",
    ),
    path("admin/", admin.site.urls),
    # Before those of allauth that they stand for.
    path("accounts/", include("accounts.web.sign_in_urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/schema/", schema, name="api_schema"),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("experiments.api.urls")),
    path("harness/v1/", include("runners.api.urls")),
    path("harness/v1/", include("experiments.api.harness_urls")),
    path("", include("accounts.web.urls")),
    path("", include("experiments.web.urls")),
]

handler400 = "mlplatform.http.errors.bad_request"
handler403 = "mlplatform.http.errors.permission_denied"
handler404 = "mlplatform.http.errors.page_not_found"
handler429 = "mlplatform.http.errors.too_many_requests"
handler500 = "mlplatform.http.errors.server_error"
