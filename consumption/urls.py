"""The addresses of the consumption history."""

from django.urls import URLPattern

app_name = "consumption"
urlpatterns: list[URLPattern] = []
