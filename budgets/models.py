"""Budgets: what may be spent, of what, how often; and what was told when it was nearly or wholly spent."""

import datetime as dt
import uuid
from collections.abc import Collection
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet
from budgets.periods import PeriodType
from budgets.scope import Scope
from budgets.sealing import SealedTextField
from costs.money import ScaledDecimalField

DEFAULT_THRESHOLDS = (50, 75, 90, 100)

LARGEST_AMOUNT = Decimal(900_000_000)
"""What the database can hold (``ScaledDecimalField``), rounded down."""


def default_thresholds() -> list[int]:
    """Return the percentages of a budget that are told of when nothing else was asked for."""
    return list(DEFAULT_THRESHOLDS)


class Measure(models.TextChoices):
    """What is compared with the amount of a budget."""

    ACTUAL = "actual", _("spent")
    FORECAST = "forecast", _("forecast")


class WebhookFormat(models.TextChoices):
    """What is sent to a webhook."""

    JSON = "json", _("JSON")
    TEXT = "text", _("Slack or Mattermost")


class Channel(models.TextChoices):
    """How an alert is told."""

    EMAIL = "email", _("email")
    WEBHOOK = "webhook", _("webhook")


class DeliveryState(models.TextChoices):
    """How far the telling of an alert is."""

    PENDING = "pending", _("to be sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


class Budget(models.Model):
    """What may be spent in each period of a kind, from ``start_date`` to ``end_date``, both included.

    ``amount`` is that of the first period, before tax, in ``currency``; each next one is ``growth_percent``
    more, unless ``amounts`` says otherwise. ``scope`` is what counts (``budgets.scope``).

    ``actual_thresholds`` and ``forecast_thresholds`` are the whole percentages of the amount that are told
    of, in ``language``. ``readers`` stand for the keys of the session that has last saved the budget: alerts
    tell only what those keys may read (``consumption.models.LedgerReader``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="budgets", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=120)
    currency = models.CharField(_("currency"), max_length=3)
    amount = ScaledDecimalField(_("amount"))
    growth_percent = ScaledDecimalField(_("growth per period, in percent"), default=Decimal(0))
    period_type = models.CharField(_("period"), max_length=16, choices=PeriodType.choices)
    start_date = models.DateField(_("first day"))
    end_date = models.DateField(_("last day"), null=True, blank=True)
    scope = models.JSONField(_("scope"), default=dict)
    actual_thresholds = models.JSONField(_("thresholds of what is spent"), default=default_thresholds)
    forecast_thresholds = models.JSONField(_("thresholds of the forecast"), default=default_thresholds)
    emails = models.JSONField(_("email addresses"), default=list, blank=True)
    webhook_url = SealedTextField(_("webhook"), blank=True, default="")
    webhook_format = models.CharField(
        _("format of the webhook"), max_length=16, choices=WebhookFormat.choices, default=WebhookFormat.JSON
    )
    language = models.CharField(_("language"), max_length=16, default="en")
    readers = models.JSONField(_("readers"), default=list, blank=True)
    created_at = models.DateTimeField(_("made"))
    updated_at = models.DateTimeField(_("changed"))

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        indexes = [models.Index(fields=["owner", "name"], name="budget_list")]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="budget_has_name"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="budget_has_currency"),
            models.CheckConstraint(
                condition=Q(amount__gte=Decimal(0), amount__lte=LARGEST_AMOUNT), name="budget_amount_in_range"
            ),
            models.CheckConstraint(
                condition=Q(growth_percent__gte=Decimal(-100), growth_percent__lte=Decimal(1000)),
                name="budget_growth_in_range",
            ),
            models.CheckConstraint(
                condition=Q(period_type__in=PeriodType.values), name="budget_period_type_known"
            ),
            models.CheckConstraint(
                condition=Q(end_date=None) | Q(end_date__gte=F("start_date")), name="budget_days_in_order"
            ),
            models.CheckConstraint(
                condition=Q(webhook_format__in=WebhookFormat.values), name="budget_webhook_format_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def counted(self) -> Scope:
        """What the budget counts."""
        return Scope.of(self.scope)

    def thresholds_of(self, measure: str) -> list[int]:
        """Return the percentages of the amount that are told of, smallest first."""
        return self.actual_thresholds if measure == Measure.ACTUAL else self.forecast_thresholds


class PeriodAmount(models.Model):
    """The amount of one period of a budget, in the place of what its growth says."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="amounts", verbose_name=_("budget"))
    first_day = models.DateField(_("first day of the period"))
    amount = ScaledDecimalField(_("amount"))

    class Meta:
        verbose_name = _("amount of a period")
        verbose_name_plural = _("amounts of periods")
        constraints = [
            models.UniqueConstraint(fields=["budget", "first_day"], name="amount_once_per_period"),
            models.CheckConstraint(
                condition=Q(amount__gte=Decimal(0), amount__lte=LARGEST_AMOUNT), name="period_amount_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} {self.amount}"


class BudgetAlert(models.Model):
    """A percentage of a budget was reached in a period: told once, with the figures of that moment.

    ``figure`` is what was compared with ``amount``: what is spent, or expected at the end; an expected one
    lies between ``low`` and ``high`` in 80 percent of the cases. ``is_lower_bound``: not everything was
    known. ``is_superseded``: the budget was changed since, so that the percentage is not reached any more,
    and is told again when it is.

    ``ledgers`` are the primary keys of those that the figures may hold something of: only who may see all of
    them is told the figures.
    """

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="alerts", verbose_name=_("budget"))
    period_first = models.DateField(_("first day of the period"))
    period_end = models.DateField(_("day after the period"))
    measure = models.CharField(_("measure"), max_length=16, choices=Measure.choices)
    percent = models.PositiveIntegerField(_("threshold, in percent"))
    currency = models.CharField(_("currency"), max_length=3)
    amount = ScaledDecimalField(_("budget"))
    figure = ScaledDecimalField(_("reached"))
    low = ScaledDecimalField(_("from"), null=True, blank=True)
    high = ScaledDecimalField(_("to"), null=True, blank=True)
    is_lower_bound = models.BooleanField(_("at least"), default=False)
    is_superseded = models.BooleanField(_("superseded"), default=False)
    ledgers = models.JSONField(_("ledgers"), default=list, editable=False)
    raised_at = models.DateTimeField(_("raised"))

    class Meta:
        verbose_name = _("budget alert")
        verbose_name_plural = _("budget alerts")
        indexes = [models.Index(fields=["budget", "-raised_at"], name="alert_history")]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "period_first", "measure", "percent"],
                condition=Q(is_superseded=False),
                name="alert_once_per_threshold_and_period",
            ),
            models.CheckConstraint(condition=Q(measure__in=Measure.values), name="alert_measure_known"),
            models.CheckConstraint(condition=Q(percent__gt=0), name="alert_percent_positive"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="alert_has_currency"),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_first")), name="alert_period_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_first} {self.percent}% {self.measure}"

    @property
    def last_day(self) -> dt.date:
        """The last day of the period."""
        return self.period_end - dt.timedelta(days=1)

    def may_be_told(self, visible: Collection[int]) -> bool:
        """Tell whether the figures hold nothing but what is in these ledgers."""
        return set(self.ledgers) <= set(visible)


class AlertDelivery(models.Model):
    """The telling of an alert on a channel; whoever sends it has claimed it until ``claimed_until``.

    ``problem`` says in words why the last attempt failed. A failed one is tried again at ``next_attempt_at``
    while it is pending.
    """

    alert = models.ForeignKey(BudgetAlert, models.CASCADE, related_name="deliveries", verbose_name=_("alert"))
    channel = models.CharField(_("channel"), max_length=16, choices=Channel.choices)
    state = models.CharField(
        _("state"), max_length=16, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    claimed_until = models.DateTimeField(_("claimed until"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("delivery of an alert")
        verbose_name_plural = _("deliveries of alerts")
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="pending"), name="delivery_due"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["alert", "channel"], name="delivery_once_per_channel"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="delivery_channel_known"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent") & Q(sent_at=None),
                name="delivery_sent_or_not",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"
