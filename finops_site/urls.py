"""Every address of the portal."""

from django.contrib import admin
from django.urls import path

from finops_site import overview

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("admin/", admin.site.urls),
]
