"""The addresses of the session's pages."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.log_in, name="login"),
    path("logout/", views.log_out, name="logout"),
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/add/", views.add_key, name="add_key"),
    path("accounts/use/", views.use_key, name="use_key"),
    path("accounts/rename/", views.rename, name="rename"),
    path("accounts/remove/", views.remove_key, name="remove_key"),
]
