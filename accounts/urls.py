"""The addresses of the session's pages."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.log_in, name="login"),
    path("logout/", views.log_out, name="logout"),
    path("accounts/", views.accounts, name="accounts"),
]
