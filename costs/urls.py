"""The addresses of the price catalog and of the current cost."""

from django.urls import path

from costs import cost_views, views

app_name = "costs"
urlpatterns = [
    path("catalog/", views.catalog, name="catalog"),
    path("catalog/fresh/", views.fresh_catalog, name="fresh_catalog"),
    path("catalog/refresh/", views.refresh_catalog, name="refresh_catalog"),
    path("catalog/csv/", views.catalog_csv, name="catalog_csv"),
    path("catalog/history/", views.catalog_history, name="catalog_history"),
    path("costs/", cost_views.current, name="current"),
    path("costs/read/", cost_views.read, name="read_current"),
    path("costs/export/<slug:file_format>/", cost_views.export, name="export_current"),
    path("costs/changes/", cost_views.changed, name="changes"),
]
