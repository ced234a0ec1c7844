"""The addresses of budgets."""

from django.urls import path

from budgets import form_views, views

app_name = "budgets"

urlpatterns = [
    path("", views.index, name="list"),
    path("new/", form_views.new, name="new"),
    path("report/", views.report, name="report"),
    path("export/<str:file_format>/", views.export_all, name="export-all"),
    path("<uuid:budget_id>/", views.detail, name="detail"),
    path("<uuid:budget_id>/edit/", form_views.edit, name="edit"),
    path("<uuid:budget_id>/amounts/", form_views.amounts, name="amounts"),
    path("<uuid:budget_id>/delete/", form_views.delete, name="delete"),
    path("<uuid:budget_id>/export/<str:file_format>/", views.export, name="export"),
]
