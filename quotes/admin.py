"""Quotes as operators see them: to find and to read, not to change."""

from django.contrib import admin
from django.http import HttpRequest

from quotes.models import Quote, QuoteItem


class QuoteItemInline(admin.TabularInline):
    """The items of a quote."""

    model = QuoteItem
    fields = readonly_fields = ("resource_name", "resource_type", "region", "quantity", "parameters")
    ordering = ("display_order", "pk")
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Quote | None = None) -> bool:
        """Leave the items to the owner of the quote."""
        return False


@admin.register(Quote)
class QuoteAdmin(admin.ModelAdmin):
    """The list of all quotes."""

    list_display = ("name", "owner", "status", "duration_text", "commitment_period", "updated_at")
    list_filter = ("status", "commitment_period", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__account_id", "owner__name")
    ordering = ("-updated_at", "pk")
    inlines = (QuoteItemInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave making quotes to customers."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Quote | None = None) -> bool:
        """Leave changing quotes to their owners."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Quote | None = None) -> bool:
        """Leave deleting to the owners too: what takes the place of an active quote is theirs to see."""
        return False
