"""Portal users, for operators. Sessions and keys are not shown anywhere."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import User


@admin.register(User)
class PortalUserAdmin(UserAdmin):
    """Customers, who have no password and are made by their first login, and operators, who have one."""

    list_display = ["username", "name", "account_id", "is_staff", "is_active", "joined_at", "last_login"]
    list_filter = ["is_staff", "is_active", "joined_at", "last_login"]
    search_fields = ["username", "name", "account_id"]
    ordering = ["username"]
    date_hierarchy = "joined_at"
    readonly_fields = ["id", "account_id", "is_staff", "joined_at", "last_login"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["username", "name", "account_id", "id"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        (_("Dates"), {"fields": ["joined_at", "last_login"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let nobody add users here: operators are made with ``createsuperuser``, customers by logging in."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Leave the rights of a customer alone: an OUTSCALE account is never an operator."""
        if obj and obj.account_id:
            return [*self.readonly_fields, "username", "is_superuser", "groups", "user_permissions"]
        return self.readonly_fields

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Change the password of an operator; a customer has none."""
        user = self.get_object(request, unquote(id))
        if user and user.account_id:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)
