"""Budgets, their alerts and how those were told, as operators see them: to find and to read."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from budgets.models import AlertDelivery, Budget, BudgetAlert, PeriodAmount
from costs.money import show_money


class _ReadOnly:
    """What belongs to customers: nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Leave making to the owners."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Leave changing to the owners."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Leave deleting to the owners."""
        return False


class PeriodAmountInline(_ReadOnly, admin.TabularInline):
    """The amounts of single periods."""

    model = PeriodAmount
    fields = readonly_fields = ("first_day", "amount")
    ordering = ("first_day",)
    extra = 0


class AlertDeliveryInline(_ReadOnly, admin.TabularInline):
    """How an alert was told."""

    model = AlertDelivery
    fields = readonly_fields = ("channel", "state", "attempts", "next_attempt_at", "sent_at", "problem")
    ordering = ("channel",)
    extra = 0


@admin.register(Budget)
class BudgetAdmin(_ReadOnly, admin.ModelAdmin):
    """The list of all budgets; the address of a webhook is its owner's secret and not among it."""

    list_display = ("name", "owner", "period_type", "amount_text", "start_date", "end_date", "alert_count")
    list_filter = ("period_type", "currency", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__account_id", "owner__name")
    ordering = ("-updated_at", "pk")
    inlines = (PeriodAmountInline,)
    fields = (
        "name",
        "owner",
        "amount_text",
        "growth_percent",
        "period_type",
        "start_date",
        "end_date",
        "scope",
        "actual_thresholds",
        "forecast_thresholds",
        "emails",
        "has_webhook",
        "webhook_format",
        "language",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        """Count the alerts of each budget in the same query."""
        return super().get_queryset(request).annotate(alert_count=Count("alerts"))

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, budget: Budget) -> str:
        """Write the amount of the first period with its currency."""
        return show_money(budget.amount, budget.currency)

    @admin.display(description=_("alerts"), ordering="alert_count")
    def alert_count(self, budget: Budget) -> int:
        """How many alerts there were."""
        return budget.alert_count

    @admin.display(description=_("webhook"), boolean=True)
    def has_webhook(self, budget: Budget) -> bool:
        """Tell whether alerts are posted anywhere."""
        return bool(budget.webhook_url)


@admin.register(BudgetAlert)
class BudgetAlertAdmin(_ReadOnly, admin.ModelAdmin):
    """The list of all alerts."""

    list_display = (
        "budget",
        "period_first",
        "measure",
        "percent",
        "figure",
        "amount",
        "currency",
        "raised_at",
    )
    list_filter = ("measure", "is_superseded", "raised_at")
    list_select_related = ("budget",)
    search_fields = ("budget__name", "budget__owner__account_id", "budget__owner__name")
    ordering = ("-raised_at", "-pk")
    inlines = (AlertDeliveryInline,)


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(_ReadOnly, admin.ModelAdmin):
    """The list of all deliveries: what waits, and what failed and why."""

    list_display = ("alert", "owner", "channel", "state", "attempts", "next_attempt_at", "sent_at", "problem")
    list_filter = ("state", "channel", "sent_at")
    list_select_related = ("alert__budget__owner",)
    search_fields = ("alert__budget__name", "alert__budget__owner__account_id", "problem")
    ordering = ("-next_attempt_at", "-pk")

    @admin.display(description=_("owner"))
    def owner(self, delivery: AlertDelivery) -> str:
        """Whose budget it is about."""
        return str(delivery.alert.budget.owner)
