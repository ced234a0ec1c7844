"""What operators see of the kept history: which days are known and of what, without any amount."""

import datetime as dt

from django.contrib import admin
from django.db.models import Count, F, Max, Min, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consumption import ruleorder
from consumption.models import ExpectedAnomaly, Ledger, Meter, ResourceTag, SavedView, UsageDay
from consumption.ruleforms import RuleForm
from consumption.rules import AllocationRule
from costs.admin import ReadOnlyAdmin
from costs.timeline import OPEN


@admin.register(Ledger)
class LedgerAdmin(ReadOnlyAdmin):
    """The accounts and regions whose history is kept."""

    list_display = [
        "account_id",
        "region",
        "is_paying",
        "day_count",
        "first_day",
        "last_day",
        "claimed_until",
        "tags_read_at",
        "tags_refusal",
    ]
    list_filter = ["region", "is_paying"]
    search_fields = ["account_id"]
    ordering = ["account_id", "region"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ledger]:
        """Count the days in the same query."""
        days = {"day_count": Count("days"), "first_day": Min("days__day"), "last_day": Max("days__day")}
        return super().get_queryset(request).annotate(**days)

    @admin.display(description=_("days"), ordering="day_count")
    def day_count(self, ledger: Ledger) -> int:
        """How many days were read or tried."""
        return ledger.day_count

    @admin.display(description=_("first day"), ordering="first_day")
    def first_day(self, ledger: Ledger) -> object:
        """Return the first of them."""
        return ledger.first_day

    @admin.display(description=_("last day"), ordering="last_day")
    def last_day(self, ledger: Ledger) -> object:
        """Return the last of them."""
        return ledger.last_day


@admin.register(UsageDay)
class UsageDayAdmin(ReadOnlyAdmin):
    """How far each day can be trusted, and why no further."""

    list_display = [
        "day",
        "ledger",
        "state",
        "reason",
        "read_at",
        "tried_at",
        "currency",
        "with_linked",
        "unreadable_count",
    ]
    list_filter = ["state", "reason", "with_linked", "ledger__region"]
    list_select_related = ["ledger"]
    search_fields = ["ledger__account_id"]
    date_hierarchy = "day"
    ordering = ["-day", "ledger__account_id", "ledger__region"]


@admin.register(Meter)
class MeterAdmin(ReadOnlyAdmin):
    """What was ever measured, of all accounts together."""

    list_display = ["service", "type", "operation", "subregion", "category", "title"]
    list_filter = ["category", "service", "subregion"]
    search_fields = ["type", "operation", "title"]
    ordering = ["service", "type", "operation", "subregion"]


@admin.register(ResourceTag)
class ResourceTagAdmin(ReadOnlyAdmin):
    """Which tags are known of resources, and from which day to which they hold."""

    list_display = ["resource_id", "key", "value", "resource_type", "ledger", "first_held", "last_held"]
    list_filter = ["resource_type", "ledger__region"]
    list_select_related = ["ledger"]
    search_fields = ["resource_id", "key", "value", "ledger__account_id"]
    ordering = ["ledger", "resource_id", "key", "first_day"]

    @admin.display(description=_("holds from"), ordering="held_from")
    def first_held(self, tag: ResourceTag) -> dt.date | None:
        """Return the first day on which it holds, None when it always did."""
        return dt.date.fromordinal(tag.held_from) if tag.held_from else None

    @admin.display(description=_("holds to"), ordering="held_until")
    def last_held(self, tag: ResourceTag) -> dt.date | None:
        """Return the last day on which it holds, None while it is seen."""
        return dt.date.fromordinal(tag.held_until - 1) if tag.held_until < OPEN else None


@admin.register(ExpectedAnomaly)
class ExpectedAnomalyAdmin(ReadOnlyAdmin):
    """Which anomalies customers know of."""

    list_display = ["account_id", "first_day", "last_day", "is_rise", "note", "scope", "created_at"]
    list_filter = ["is_rise"]
    search_fields = ["account_id", "note"]
    date_hierarchy = "first_day"
    ordering = ["-created_at"]


class KeptBy(admin.SimpleListFilter):
    """Whose rules: those that hold for everybody, or those of customers."""

    title = _("kept by")
    parameter_name = "kept_by"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, object]]:
        """Return the two kinds."""
        return [("operators", _("Operators, for everybody")), ("customers", _("Customers"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AllocationRule]) -> QuerySet[AllocationRule]:
        """Keep the rules of one kind."""
        kinds = {"operators": True, "customers": False}
        return queryset.filter(owner__isnull=kinds[self.value()]) if self.value() in kinds else queryset


@admin.register(AllocationRule)
class AllocationRuleAdmin(admin.ModelAdmin):
    """The rules that operators keep for everybody, to edit; those of customers, to read."""

    form = RuleForm
    fields = ["cost_centre", "account_id", "tag_key", "tag_value", "name_pattern", "place", "seen"]
    list_display = [
        "cost_centre",
        "owner",
        "position",
        "account_id",
        "tag_key",
        "tag_value",
        "name_pattern",
        "updated_at",
    ]
    list_filter = [KeptBy]
    list_select_related = ["owner"]
    search_fields = ["cost_centre", "tag_key", "tag_value", "name_pattern", "owner__account_id"]
    ordering = [F("owner__account_id").asc(nulls_first=True), "position"]
    actions = None

    def get_fields(self, request: HttpRequest, obj: AllocationRule | None = None) -> list[str]:
        """Leave out where to put a rule that is only to be read."""
        fields = super().get_fields(request, obj)
        shown = [name for name in fields if name not in ("place", "seen")]
        return fields if obj is None or obj.is_of_operators else ["owner", "position", *shown, "updated_at"]

    def has_change_permission(self, request: HttpRequest, obj: AllocationRule | None = None) -> bool:
        """Leave the rules of customers to them."""
        return (obj is None or obj.is_of_operators) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: AllocationRule | None = None) -> bool:
        """Leave the rules of customers to them."""
        return (obj is None or obj.is_of_operators) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: AllocationRule, form: RuleForm, change: bool) -> None:
        """Write a rule to its place among those of the operators."""
        form.keep(at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: AllocationRule) -> None:
        """Delete a rule; those after it move up."""
        ruleorder.delete(rule=obj)


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    """Which pages customers have saved, and where each begins."""

    list_display = ["name", "owner", "page", "query", "is_start", "saved_at"]
    list_filter = ["page", "is_start"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__account_id", "owner__name"]
    date_hierarchy = "saved_at"
    ordering = ["-saved_at", "pk"]
