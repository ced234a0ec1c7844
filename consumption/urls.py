"""The addresses of the consumption history."""

from django.urls import path

from consumption import drift_views, export_views, invoice_views, views

app_name = "consumption"
urlpatterns = [
    path("", views.history, name="history"),
    path("read/", views.read, name="read"),
    path("drivers/", views.cost_drivers, name="drivers"),
    path("export/focus/", export_views.focus, name="focus"),
    path("export/<slug:file_format>/", export_views.export, name="export"),
    path("drift/", drift_views.drift, name="drift"),
    path("drift/upload/", drift_views.upload, name="drift_upload"),
    path("drift/export/<slug:file_format>/", drift_views.export, name="export_drift"),
    path("invoice/", invoice_views.invoice, name="invoice"),
    path("invoice/export/<slug:file_format>/", invoice_views.export, name="export_invoice"),
]
