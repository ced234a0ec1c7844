"""The kept history: what each account consumed on each day, and how far each day can be trusted.

A day is an answer of ReadConsumptionAccount, kept whole. ``UsageDay`` is the ledger behind every total's
coverage; ``Usage`` holds a day meter by meter, ``ResourceUsage`` the same resource by resource.
"""

import datetime as dt
import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.keyring import place_of
from consumption.entries import LONGEST_NAME, LONGEST_PLACE, LONGEST_RESOURCE_ID
from consumption.rules import AllocationRule  # noqa: F401 - Django looks for models here
from consumption.savedviewmodel import SavedView  # noqa: F401 - Django looks for models here
from consumption.tagmodels import ResourceTag, TagReading  # noqa: F401 - and here
from costs.money import ScaledDecimalField
from costs.pricelist import PriceKey

LONGEST_NOTE = 200
"""How many characters a customer may say about an anomaly."""


class DayState(models.TextChoices):
    """How far a day of the ledger can be trusted; a day without a row was never read."""

    COMPLETE = "complete", _("complete")
    PROVISIONAL = "provisional", _("provisional")
    PARTIAL = "partial", _("partial")
    FAILED = "failed", _("failed")


WITH_FIGURES = (DayState.COMPLETE, DayState.PROVISIONAL, DayState.PARTIAL)
"""The states of a day whose consumption is kept; a failed day has none, which is not zero."""


class LedgerQuerySet(models.QuerySet["Ledger"]):
    """What the portal asks of the ledgers."""

    def of(self, account_id: str, region: str) -> "LedgerQuerySet":
        """Keep the ledger of an OUTSCALE account in a region."""
        return self.filter(account_id=account_id, region=region)


class Ledger(models.Model):
    """The history of an account in a region, as its own keys have read it.

    Whoever reads on has claimed it until ``claimed_until``. ``is_paying`` tells whether other accounts are
    billed to this one, which their entries say; None before the first entry. ``paying_account_id`` is the
    account that is billed for this one, empty before the first entry. ``tags_refusal`` is our code of why the
    last reading of its tags failed, which the key ``tags_tried_by`` stands for tried; empty when it did not.
    """

    account_id = models.CharField(_("OUTSCALE account"), max_length=64)
    region = models.CharField(_("region"), max_length=64)
    is_paying = models.BooleanField(_("paying account"), null=True, blank=True)
    paying_account_id = models.CharField(_("billed account"), max_length=64, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"))
    tags_read_at = models.DateTimeField(_("tags read"), null=True, blank=True)
    tags_tried_at = models.DateTimeField(_("tags last tried"), null=True, blank=True)
    tags_tried_by = models.CharField(_("reader of the tags"), max_length=64, blank=True)
    tags_refusal = models.CharField(_("refusal of the tags"), max_length=64, blank=True)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger")
        verbose_name_plural = _("ledgers")
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "region"], name="ledger_once_per_account_and_region"
            ),
            models.CheckConstraint(condition=~Q(account_id="") & ~Q(region=""), name="ledger_owned"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.region}"

    @property
    def place(self) -> str:
        """The account and the region, as the key of a session names them (``accounts.keyring.Key.place``)."""
        return place_of(self.account_id, self.region)


class LedgerReader(models.Model):
    """What the cloud said when a key asked for the consumption: only who may read it is shown what is kept.

    ``reader`` stands for the key, of which it tells nothing. ``refusal`` is our code of the cloud's last
    refusal, empty when the last answer was none.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="readers", verbose_name=_("ledger"))
    reader = models.CharField(_("reader"), max_length=64)
    answered_at = models.DateTimeField(_("last answer"))
    refusal = models.CharField(_("refusal"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("reader of a ledger")
        verbose_name_plural = _("readers of ledgers")
        constraints = [
            models.UniqueConstraint(fields=["ledger", "reader"], name="reader_once_per_ledger"),
            models.CheckConstraint(condition=~Q(reader=""), name="reader_named"),
        ]

    def __str__(self) -> str:
        return f"{self.ledger_id} {self.reader[:8]}"


class UsageDay(models.Model):
    """One UTC day of a ledger.

    ``reason`` says why a day is failed or partial, and of another day why its last reading failed, in our
    code of the cloud's error. ``with_linked``: the accounts that are billed to this one were asked for too.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="days", verbose_name=_("ledger"))
    day = models.DateField(_("day"), help_text=_("As the cloud bills it: a UTC day."))
    state = models.CharField(_("state"), max_length=16, choices=DayState.choices)
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, help_text=_("When its figures were read."))
    tried_at = models.DateTimeField(_("last tried"))
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    with_linked = models.BooleanField(_("with linked accounts"), default=False)
    unreadable_count = models.PositiveIntegerField(_("entries not understood"), default=0)

    class Meta:
        verbose_name = _("day of consumption")
        verbose_name_plural = _("days of consumption")
        constraints = [
            models.UniqueConstraint(fields=["ledger", "day"], name="day_once_per_ledger"),
            models.CheckConstraint(
                condition=Q(state__in=["complete", "provisional", "partial", "failed"]),
                name="day_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="failed", read_at=None, currency="")
                | ~Q(state="failed") & Q(read_at__isnull=False, currency__regex=r"^[A-Z]{3}$"),
                name="day_has_figures_or_failed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["complete", "provisional"]) | ~Q(reason=""), name="day_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(unreadable_count=0) | Q(state="partial"), name="day_with_gaps_is_partial"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.state}"


class ExpectedAnomaly(models.Model):
    """An anomaly that a customer knows of: from when to when, in which question to the history.

    It stands for every anomaly of the same direction, in the same ``scope``, that shares a day with it: one
    that another day joins later is still known. ``scope`` is what was asked, as ``consumption.anomalymarks``
    writes it.
    """

    account_id = models.CharField(_("account"), max_length=64)
    scope = models.TextField(_("what was asked"))
    scope_digest = models.CharField(_("digest of what was asked"), max_length=64)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    is_rise = models.BooleanField(_("costs more than expected"))
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)
    created_at = models.DateTimeField(_("marked"), auto_now_add=True)

    class Meta:
        verbose_name = _("expected anomaly")
        verbose_name_plural = _("expected anomalies")
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "scope_digest", "first_day", "is_rise"], name="anomaly_expected_once"
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="expected_anomaly_in_order"
            ),
            models.CheckConstraint(
                condition=~Q(account_id="") & ~Q(scope_digest=""), name="expected_anomaly_owned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.first_day}"


class Meter(models.Model):
    """What is measured: a product in a place, as the cloud names it; the same for every account."""

    service = models.CharField(_("service"), max_length=LONGEST_NAME)
    type = models.CharField(_("type"), max_length=LONGEST_NAME)
    operation = models.CharField(_("operation"), max_length=LONGEST_NAME)
    subregion = models.CharField(
        _("subregion"), max_length=LONGEST_PLACE, help_text=_("The region, for what belongs to no subregion.")
    )
    category = models.CharField(_("category"), max_length=LONGEST_PLACE)
    title = models.CharField(_("title"), max_length=LONGEST_NAME, blank=True)

    class Meta:
        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        constraints = [
            models.UniqueConstraint(
                fields=["service", "type", "operation", "subregion", "category", "title"], name="meter_once"
            ),
            models.CheckConstraint(
                condition=~Q(service="") & ~Q(type="") & ~Q(operation="") & ~Q(category=""),
                name="meter_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.subregion}"

    @property
    def key(self) -> PriceKey:
        """What identifies the product."""
        return PriceKey(self.service, self.type, self.operation)


class UploadedEstimate(models.Model):
    """A file that was given as an estimate, kept for some days so that a drift has an address.

    Only the key that gave it, for which ``reader`` stands, is shown what it holds.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account_id = models.CharField(_("OUTSCALE account"), max_length=64)
    region = models.CharField(_("region"), max_length=64)
    reader = models.CharField(_("reader"), max_length=64)
    name = models.CharField(_("file"), max_length=120)
    uploaded_at = models.DateTimeField(_("uploaded"))
    content = models.BinaryField(_("lines"))

    class Meta:
        verbose_name = _("uploaded estimate")
        verbose_name_plural = _("uploaded estimates")
        indexes = [models.Index(fields=["reader", "region", "-uploaded_at"], name="estimate_by_reader")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(account_id="") & ~Q(region="") & ~Q(reader=""), name="estimate_owned"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="estimate_named"),
        ]

    def __str__(self) -> str:
        return self.name


class Figures(models.Model):
    """What was consumed and what it cost, before tax, in the currency of the day.

    ``price`` is ``value`` × ``unit_price``, rounded once to 10⁻¹⁰. Without a price it is unpriced, which is
    not zero; without a unit price but with a price, it is a sum at several unit prices.
    """

    value = ScaledDecimalField(_("value"), help_text=_("Hours, GiB-months, GiB …: in the unit of its price."))
    unit_price = ScaledDecimalField(_("unit price"), null=True)
    price = ScaledDecimalField(_("price"), null=True)

    class Meta:
        abstract = True


class Usage(Figures):
    """What an account consumed of a meter on a day: one line of the cloud's answer."""

    # No index of their own: longer ones begin with the day, and no question is about a meter on all days.
    day = models.ForeignKey(
        UsageDay, models.CASCADE, related_name="usages", verbose_name=_("day"), db_index=False
    )
    account_id = models.CharField(_("consuming account"), max_length=64)
    meter = models.ForeignKey(
        Meter, models.PROTECT, related_name="usages", verbose_name=_("meter"), db_index=False
    )

    class Meta:
        verbose_name = _("consumption of a meter")
        verbose_name_plural = _("consumption by meter")
        indexes = [
            # They hold all that a sum needs, so that no row is looked up; and what has no price is rare.
            models.Index(fields=["day", "account_id", "meter", "price"], name="usage_summed"),
            models.Index(fields=["day", "account_id"], condition=Q(price=None), name="usage_unpriced"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "account_id", "meter"], name="usage_once_per_day_account_and_meter"
            ),
            models.CheckConstraint(condition=~Q(account_id=""), name="usage_has_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.meter_id}"


class ResourceUsageQuerySet(models.QuerySet["ResourceUsage"]):
    """What the portal asks of the consumption by resource."""

    def during(self, first: dt.date, end: dt.date) -> "ResourceUsageQuerySet":
        """Keep the runs that have a day in ``[first, end)``."""
        return self.filter(first_day__lt=end.toordinal(), last_day__gte=first.toordinal())


class ResourceUsage(Figures):
    """A run of days on each of which a resource consumed the same of a meter; the figures are those of a day.

    Most resources consume the same every day, so two years of them are a few rows. Runs of the same resource
    and meter never share a day, and hold only days whose ledger row has figures (``consumption.runs``). Days
    are ordinals (``date.toordinal``), so that the length of a run is arithmetic in every database. What the
    cloud names no resource for has the empty id.
    """

    # No index of their own: longer ones begin with the ledger, and no question is about a meter in all.
    ledger = models.ForeignKey(
        Ledger, models.CASCADE, related_name="resources", verbose_name=_("ledger"), db_index=False
    )
    account_id = models.CharField(_("consuming account"), max_length=64)
    meter = models.ForeignKey(
        Meter, models.PROTECT, related_name="resources", verbose_name=_("meter"), db_index=False
    )
    resource_id = models.CharField(_("resource"), max_length=LONGEST_RESOURCE_ID, blank=True)
    first_day = models.PositiveIntegerField(_("first day"))
    last_day = models.PositiveIntegerField(_("last day"))

    objects = ResourceUsageQuerySet.as_manager()

    class Meta:
        verbose_name = _("consumption of a resource")
        verbose_name_plural = _("consumption by resource")
        indexes = [
            models.Index(fields=["ledger", "last_day", "first_day"], name="resource_usage_by_days"),
            models.Index(
                fields=["ledger", "resource_id", "account_id", "meter", "first_day", "last_day", "price"],
                name="resource_usage_summed",
            ),
            models.Index(
                fields=["ledger", "last_day", "first_day"],
                condition=Q(price=None),
                name="resource_usage_unpriced",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "account_id", "meter", "resource_id", "first_day"],
                name="resource_usage_once_per_first_day",
            ),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="resource_usage_in_order"),
            models.CheckConstraint(condition=~Q(account_id=""), name="resource_usage_has_account"),
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.meter_id}"
