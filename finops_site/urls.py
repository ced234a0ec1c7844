"""Every address of the portal."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from finops_site import health, overview, theme

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("theme/", theme.choose_theme, name="theme"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", admin.site.urls),
]
