"""The addresses of the price catalog."""

from django.urls import path

from costs import views

app_name = "costs"
urlpatterns = [
    path("catalog/", views.catalog, name="catalog"),
    path("catalog/fresh/", views.fresh_catalog, name="fresh_catalog"),
    path("catalog/refresh/", views.refresh_catalog, name="refresh_catalog"),
    path("catalog/csv/", views.catalog_csv, name="catalog_csv"),
    path("catalog/history/", views.catalog_history, name="catalog_history"),
]
