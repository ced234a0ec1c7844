"""What operators see of prices and readings: both to read, commitment and exchange rates to edit."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.readonlyadmin import ReadOnlyAdmin
from costs.exchangemodel import ExchangeRate
from costs.models import Catalog, CatalogEntry, CommitmentRate, CostReading, CostSnapshot


@admin.register(Catalog)
class CatalogAdmin(ReadOnlyAdmin):
    """The stored versions of each region; they never change, and past days are priced with them."""

    list_display = [
        "region",
        "version",
        "valid_from",
        "fetched_at",
        "entry_count",
        "currency",
        "currency_is_confirmed",
    ]
    list_filter = ["region", "currency", "fetched_at"]
    search_fields = ["region"]
    date_hierarchy = "valid_from"
    ordering = ["region", "-version"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Catalog]:
        """Count the entries in the same query."""
        return super().get_queryset(request).annotate(entry_count=Count("entries"))

    @admin.display(description=_("entries"), ordering="entry_count")
    def entry_count(self, catalog: Catalog) -> int:
        """How many prices the version has."""
        return catalog.entry_count

    @admin.display(description=_("currency confirmed"), boolean=True)
    def currency_is_confirmed(self, catalog: Catalog) -> bool:
        """Whether the API named the currency."""
        return catalog.currency_confirmed


@admin.register(CatalogEntry)
class CatalogEntryAdmin(ReadOnlyAdmin):
    """The prices of all versions."""

    list_display = ["catalog", "service", "type", "operation", "category", "unit_price", "per_month"]
    list_filter = ["catalog__region", "category", "service"]
    list_select_related = ["catalog"]
    search_fields = ["type", "operation", "title"]
    ordering = ["catalog__region", "-catalog__version", "service", "type", "operation"]


@admin.register(CommitmentRate)
class CommitmentRateAdmin(admin.ModelAdmin):
    """The discounts of commitments, which no API names."""

    list_display = ["category", "period", "percent", "valid_from", "confirmed", "note"]
    list_filter = ["confirmed", "period", "category"]
    search_fields = ["category", "note"]
    date_hierarchy = "valid_from"
    ordering = ["category", "percent", "period"]


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin):
    """The rates at which bills in several currencies are converted, each with the moment it was set."""

    list_display = ["currency", "into", "rate", "set_at"]
    list_filter = ["into"]
    search_fields = ["currency", "into"]
    ordering = ["into", "currency"]
    fields = ["currency", "into", "rate", "set_at"]
    readonly_fields = ["set_at"]

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: ModelForm, change: bool) -> None:
        """Note the moment of each change: the portal says it beside each converted amount."""
        if form.has_changed():
            obj.set_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(CostSnapshot)
class CostSnapshotAdmin(ReadOnlyAdmin):
    """The stored readings of the current cost, without their lines, which are the customer's own."""

    list_display = [
        "taken_at",
        "account_id",
        "region",
        "is_complete",
        "has_objects",
        "resource_count",
        "unpriced_count",
        "per_month",
        "currency",
    ]
    list_filter = ["region", "is_complete", "has_objects"]
    search_fields = ["account_id"]
    date_hierarchy = "taken_at"
    ordering = ["-taken_at"]
    exclude = ["reader"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CostSnapshot]:
        """Leave the lines in the database."""
        return super().get_queryset(request).defer("content")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Allow it to who has the right: a reading is made anew, and a customer may ask for it."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(CostReading)
class CostReadingAdmin(ReadOnlyAdmin):
    """The readings of the current cost that are under way, or were left; what they have read is not shown."""

    list_display = ["account_id", "region", "touched_at", "claimed_until"]
    list_filter = ["region", "touched_at"]
    search_fields = ["account_id"]
    ordering = ["-touched_at"]
    exclude = ["reader"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CostReading]:
        """Leave what has been read in the database."""
        return super().get_queryset(request).defer("content")
