"""What operators see of the kept history: which days are known and of what, without any amount."""

import datetime as dt

from django.contrib import admin
from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.readonlyadmin import ReadOnlyAdmin
from consumption import ruleorder
from consumption.models import (
    WITH_FIGURES,
    DayState,
    ExpectedAnomaly,
    Ledger,
    LedgerReader,
    Meter,
    ResourceTag,
    SavedView,
    TagReading,
    UsageDay,
)
from consumption.reasons import reason_text
from consumption.ruleforms import RuleForm
from consumption.rules import AllocationRule
from costs.inventory import ResourceType
from costs.timeline import OPEN


@admin.register(Ledger)
class LedgerAdmin(ReadOnlyAdmin):
    """How far the history of each account and region was read, what is missing, and why."""

    list_display = [
        "account_id",
        "region",
        "is_paying",
        "paying_account_id",
        "first_day",
        "last_day",
        "days_known",
        "days_missing",
        "days_in_doubt",
        "last_read_at",
        "last_problem",
        "refused_keys",
        "tags_read_at",
        "tags_refusal",
        "claimed_until",
    ]
    list_filter = ["region", "is_paying", "tags_refusal"]
    search_fields = ["account_id", "paying_account_id"]
    ordering = ["account_id", "region"]
    fields = [
        "account_id",
        "region",
        *list_display[2:-3],
        "tags_read_at",
        "tags_tried_at",
        *list_display[-2:],
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ledger]:
        """Count the days in the same query, and find what went wrong last."""
        of_this = UsageDay.objects.filter(ledger=OuterRef("pk"))
        refused = LedgerReader.objects.filter(ledger=OuterRef("pk")).exclude(refusal="").order_by()
        return (
            super()
            .get_queryset(request)
            .annotate(
                first_day=Min("days__day"),
                last_day=Max("days__day"),
                days_known=Count("days", filter=Q(days__state__in=WITH_FIGURES)),
                days_in_doubt=Count("days", filter=Q(days__state=DayState.PARTIAL)),
                last_read_at=Max("days__read_at"),
                last_problem=Subquery(
                    of_this.exclude(reason="").order_by("-tried_at", "-day").values("reason")[:1]
                ),
                refused_keys=Subquery(refused.values("ledger").annotate(count=Count("pk")).values("count")),
            )
        )

    @admin.display(description=_("first day"), ordering="first_day")
    def first_day(self, ledger: Ledger) -> dt.date | None:
        """Return the first day that was read or tried."""
        return ledger.first_day

    @admin.display(description=_("last day"), ordering="last_day")
    def last_day(self, ledger: Ledger) -> dt.date | None:
        """Return the last of them."""
        return ledger.last_day

    @admin.display(description=_("days known"), ordering="days_known")
    def days_known(self, ledger: Ledger) -> str:
        """How many days have figures, with the way to the list of all days."""
        days = f"{reverse('admin:consumption_usageday_changelist')}?ledger__id__exact={ledger.pk}"
        return format_html('<a href="{}">{}</a>', days, ledger.days_known)

    @admin.display(description=_("days missing"))
    def days_missing(self, ledger: Ledger) -> int | None:
        """How many days from the first one to yesterday were never read, or could not be."""
        if ledger.first_day is None:
            return None
        over = (timezone.now().date() - ledger.first_day).days
        return max(0, over - ledger.days_known)

    @admin.display(description=_("days known in part"), ordering="days_in_doubt")
    def days_in_doubt(self, ledger: Ledger) -> int:
        """How many days have figures that lack something."""
        return ledger.days_in_doubt

    @admin.display(description=_("last read"), ordering="last_read_at")
    def last_read_at(self, ledger: Ledger) -> dt.datetime | None:
        """When a day was last read with success."""
        return ledger.last_read_at

    @admin.display(description=_("last problem"), ordering="last_problem")
    def last_problem(self, ledger: Ledger) -> str:
        """Say why the last day that could not be read well could not."""
        return reason_text(ledger.last_problem or "")

    @admin.display(description=_("keys refused"), ordering="refused_keys")
    def refused_keys(self, ledger: Ledger) -> int:
        """How many keys the cloud did not let read it when they last asked."""
        return ledger.refused_keys or 0


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


class KindFilter(admin.SimpleListFilter):
    """By the kind of resource; the kinds are known, so no large table is searched for them."""

    title = _("kind of resource")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Offer every kind."""
        return [(kind.value, kind.value) for kind in ResourceType]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Keep the chosen kind."""
        return queryset.filter(resource_type=self.value()) if self.value() else queryset


@admin.register(TagReading)
class TagReadingAdmin(ReadOnlyAdmin):
    """When the tags of each kind of resource were read."""

    list_display = ["ledger", "resource_type", "read_day", "read_at"]
    list_filter = [KindFilter, "read_at", "ledger__region"]
    list_select_related = ["ledger"]
    search_fields = ["ledger__account_id"]
    date_hierarchy = "read_at"
    ordering = ["-day", "ledger__account_id", "ledger__region", "resource_type"]
    fields = readonly_fields = ["ledger", "resource_type", "read_day", "read_at"]

    @admin.display(description=_("day"), ordering="day")
    def read_day(self, reading: TagReading) -> dt.date:
        """Return the UTC day on which it was."""
        return dt.date.fromordinal(reading.day)


@admin.register(ResourceTag)
class ResourceTagAdmin(ReadOnlyAdmin):
    """Which tags are known of resources, and from which day to which they hold."""

    list_display = ["resource_id", "key", "value", "resource_type", "ledger", "first_held", "last_held"]
    list_filter = [KindFilter, "ledger__region"]
    list_select_related = ["ledger"]
    search_fields = ["resource_id", "key", "value", "ledger__account_id"]
    ordering = ["ledger", "resource_id", "key", "first_day"]
    fields = readonly_fields = list_display

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
    list_filter = ["is_rise", "created_at"]
    search_fields = ["account_id", "note"]
    date_hierarchy = "first_day"
    ordering = ["-created_at"]
    exclude = ["scope_digest"]


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
