"""Every address of the portal."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language

from finops_site import health, overview, start, theme
from finops_site.metrics import metrics

admin.site.site_header = admin.site.site_title = _("OSC-FinOps administration")

handler500 = "finops_site.errors.server_error"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("start/", start.start, name="start"),
    path("api/", include("finops_site.api")),
    path("", include("accounts.urls")),
    path("", include("costs.urls")),
    path("consumption/", include("consumption.urls")),
    path("quotes/", include("quotes.urls")),
    path("budgets/", include("budgets.urls")),
    path("language/", login_not_required(set_language), name="set_language"),
    path("theme/", theme.choose_theme, name="theme"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
