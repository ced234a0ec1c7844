"""Portal users, for operators. Sessions and keys are not shown anywhere."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from accounts.models import User


@admin.register(User)
class PortalUserAdmin(UserAdmin):
    """Customers, who have no password and are made by their first login, and operators, who have one."""

    list_display = ["username", "name", "account_id", "is_staff", "is_active", "joined_at", "last_login"]
    list_filter = ["is_staff", "is_active", "joined_at"]
    search_fields = ["username", "name", "account_id"]
    ordering = ["username"]
    date_hierarchy = "joined_at"
    readonly_fields = ["id", "account_id", "joined_at", "last_login"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["username", "name", "account_id", "id"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        (_("Dates"), {"fields": ["joined_at", "last_login"]}),
    ]
