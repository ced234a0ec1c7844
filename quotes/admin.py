"""Quotes as operators see them: to find and to read, not to change."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.readonlyadmin import ReadOnly, ReadOnlyAdmin
from quotes.models import Quote, QuoteItem


class QuoteItemInline(ReadOnly, admin.TabularInline):
    """The items of a quote."""

    model = QuoteItem
    fields = readonly_fields = ("resource_name", "resource_type", "region", "quantity", "parameters")
    ordering = ("display_order", "pk")
    extra = 0


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    """The list of all quotes."""

    list_display = (
        "name",
        "owner",
        "status",
        "item_count",
        "duration_text",
        "commitment_period",
        "created_at",
        "updated_at",
    )
    list_filter = ("status", "commitment_period", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__account_id", "owner__name")
    date_hierarchy = "updated_at"
    ordering = ("-updated_at", "pk")
    inlines = (QuoteItemInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quote]:
        """Count the items of each quote in the same query."""
        return super().get_queryset(request).with_item_count()

    @admin.display(description=_("duration"))
    def duration_text(self, quote: Quote) -> str:
        """Write the duration in words."""
        return quote.duration_text

    @admin.display(description=_("items"), ordering="item_count")
    def item_count(self, quote: Quote) -> int:
        """How many items there are."""
        return quote.item_count
