"""The addresses of the consumption history."""

from django.urls import URLPattern, path

from consumption import invoice_views

app_name = "consumption"
urlpatterns: list[URLPattern] = [
    path("invoice/", invoice_views.invoice, name="invoice"),
    path("invoice/export/<slug:file_format>/", invoice_views.export, name="export_invoice"),
]
