"""Budgets, their alerts and how those were told, as operators see them: to find and to read."""

import datetime as dt

from django.contrib import admin
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.readonlyadmin import ReadOnly, ReadOnlyAdmin
from budgets.models import AlertDelivery, Budget, BudgetAlert, PeriodAmount
from costs.money import show_money


class PeriodAmountInline(ReadOnly, admin.TabularInline):
    """The amounts of single periods."""

    model = PeriodAmount
    fields = readonly_fields = ("first_day", "amount")
    ordering = ("first_day",)
    extra = 0


class AlertDeliveryInline(ReadOnly, admin.TabularInline):
    """How an alert was told."""

    model = AlertDelivery
    fields = readonly_fields = ("channel", "state", "attempts", "next_attempt_at", "sent_at", "problem")
    ordering = ("channel",)
    extra = 0


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    """The list of all budgets; the address of a webhook is its owner's secret and not among it."""

    list_display = (
        "name",
        "owner",
        "period_type",
        "amount_text",
        "start_date",
        "end_date",
        "alert_count",
        "last_alert_at",
        "has_emails",
        "has_webhook",
        "updated_at",
    )
    list_filter = ("period_type", "currency", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__account_id", "owner__name")
    date_hierarchy = "start_date"
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
        alerts = {"alert_count": Count("alerts"), "last_alert_at": Max("alerts__raised_at")}
        return super().get_queryset(request).annotate(**alerts)

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, budget: Budget) -> str:
        """Write the amount of the first period with its currency."""
        return show_money(budget.amount, budget.currency)

    @admin.display(description=_("alerts"), ordering="alert_count")
    def alert_count(self, budget: Budget) -> int:
        """How many alerts there were."""
        return budget.alert_count

    @admin.display(description=_("last alert"), ordering="last_alert_at")
    def last_alert_at(self, budget: Budget) -> dt.datetime | None:
        """When the last one was raised."""
        return budget.last_alert_at

    @admin.display(description=_("emails"), boolean=True)
    def has_emails(self, budget: Budget) -> bool:
        """Tell whether alerts are sent to anybody."""
        return bool(budget.emails)

    @admin.display(description=_("webhook"), boolean=True)
    def has_webhook(self, budget: Budget) -> bool:
        """Tell whether alerts are posted anywhere."""
        return bool(budget.webhook_url)


@admin.register(BudgetAlert)
class BudgetAlertAdmin(ReadOnlyAdmin):
    """The list of all alerts, without their figures: what customers consumed is not the operators' to see."""

    list_display = (
        "budget",
        "owner",
        "period_first",
        "last_day",
        "measure",
        "percent",
        "is_lower_bound",
        "is_superseded",
        "raised_at",
    )
    list_filter = ("measure", "is_superseded", "is_lower_bound", "raised_at")
    list_select_related = ("budget__owner",)
    search_fields = ("budget__name", "budget__owner__account_id", "budget__owner__name")
    date_hierarchy = "raised_at"
    ordering = ("-raised_at", "-pk")
    fields = list_display
    inlines = (AlertDeliveryInline,)

    @admin.display(description=_("owner"), ordering="budget__owner__username")
    def owner(self, alert: BudgetAlert) -> str:
        """Whose budget it is about."""
        return str(alert.budget.owner)

    @admin.display(description=_("last day"), ordering="period_end")
    def last_day(self, alert: BudgetAlert) -> dt.date:
        """Return the last day of the period."""
        return alert.last_day


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    """The list of all deliveries: what waits, and what failed and why."""

    list_display = (
        "alert",
        "budget",
        "owner",
        "channel",
        "state",
        "attempts",
        "next_attempt_at",
        "sent_at",
        "problem",
    )
    list_filter = ("state", "channel", "sent_at", "next_attempt_at")
    list_select_related = ("alert__budget__owner",)
    search_fields = (
        "alert__budget__name",
        "alert__budget__owner__account_id",
        "alert__budget__owner__name",
        "problem",
    )
    date_hierarchy = "next_attempt_at"
    ordering = ("-next_attempt_at", "-pk")

    @admin.display(description=_("budget"), ordering="alert__budget__name")
    def budget(self, delivery: AlertDelivery) -> str:
        """Which budget it is about."""
        return str(delivery.alert.budget)

    @admin.display(description=_("owner"), ordering="alert__budget__owner__username")
    def owner(self, delivery: AlertDelivery) -> str:
        """Whose budget it is about."""
        return str(delivery.alert.budget.owner)
