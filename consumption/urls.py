"""The addresses of the consumption history."""

from django.urls import path

from consumption import views

app_name = "consumption"
urlpatterns = [
    path("", views.history, name="history"),
    path("read/", views.read, name="read"),
    path("drivers/", views.cost_drivers, name="drivers"),
]
