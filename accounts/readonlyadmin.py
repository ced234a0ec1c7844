"""The pages of the admin on what operators find and read, but do not change."""

from django.contrib import admin
from django.http import HttpRequest


class ReadOnly:
    """For an admin or an inline: what customers own, or only the cloud knows, is not changed here."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):
    """A list to find rows in, and a page to read one; a filtered list is not counted without its filters."""

    show_full_result_count = False
