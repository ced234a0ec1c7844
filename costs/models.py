"""Stored prices: each catalog that a region ever published, and the discounts of commitments."""

import datetime as dt
from collections.abc import Iterable

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from costs.exchangemodel import ExchangeRate  # noqa: F401 - Django looks for models here
from costs.money import ScaledDecimalField
from costs.pricelist import PriceEntry, PriceKey


class CatalogManager(models.Manager["Catalog"]):
    """What the portal asks of the stored catalogs."""

    def newest_of(self, names: Iterable[str]) -> list["Catalog"]:
        """Return the newest version of each region of some that has any, by region (one query).

        Whatever shows a price asks this: to put the query together took longer than to have it answered.
        """
        asked = list(set(names))
        table, places = self.model._meta.db_table, ", ".join(["%s"] * len(asked))
        columns = ", ".join(f"one.{field.column}" for field in self.model._meta.concrete_fields)
        newer = f"SELECT 1 FROM {table} newer WHERE newer.region = one.region AND newer.version > one.version"  # noqa: S608
        query = f"SELECT {columns} FROM {table} one WHERE region IN ({places}) AND NOT EXISTS ({newer})"  # noqa: S608
        return list(self.raw(f"{query} ORDER BY region", asked)) if asked else []


class Catalog(models.Model):
    """One version of the public prices of a region; its entries never change, a new version follows."""

    region = models.CharField(_("region"), max_length=64)
    version = models.PositiveIntegerField(_("version"))
    valid_from = models.DateTimeField(_("valid from"), help_text=_("When these prices were first seen."))
    fetched_at = models.DateTimeField(
        _("fetched"), help_text=_("When the cloud last confirmed these prices.")
    )
    currency = models.CharField(_("currency"), max_length=3)
    currency_confirmed_at = models.DateTimeField(
        _("currency confirmed"),
        null=True,
        blank=True,
        help_text=_("When the API last named the currency; empty while it is assumed from the settings."),
    )
    digest = models.CharField(_("digest of the entries"), max_length=64)

    objects = CatalogManager()

    class Meta:
        verbose_name = _("catalog")
        verbose_name_plural = _("catalogs")
        constraints = [
            models.UniqueConstraint(fields=["region", "version"], name="catalog_version_once_per_region"),
            models.CheckConstraint(condition=~Q(region=""), name="catalog_has_region"),
            models.CheckConstraint(condition=Q(version__gte=1), name="catalog_version_from_one"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="catalog_currency_is_iso"
            ),
            models.CheckConstraint(
                condition=Q(fetched_at__gte=F("valid_from")), name="catalog_dates_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region} v{self.version}"

    @property
    def currency_confirmed(self) -> bool:
        """Tell whether the API named the currency; otherwise it is assumed from the settings."""
        return self.currency_confirmed_at is not None


class CatalogEntry(models.Model):
    """One price of a catalog, before tax, in the catalog's currency."""

    catalog = models.ForeignKey(Catalog, models.CASCADE, related_name="entries", verbose_name=_("catalog"))
    service = models.CharField(_("service"), max_length=255)
    type = models.CharField(_("type"), max_length=255)
    operation = models.CharField(_("operation"), max_length=255)
    subregion = models.CharField(
        _("subregion"), max_length=64, help_text=_("The region, in every real entry.")
    )
    category = models.CharField(_("category"), max_length=255)
    title = models.TextField(_("title"), blank=True)
    unit_price = ScaledDecimalField(_("unit price"))
    per_month = models.BooleanField(_("per month"), default=False)

    class Meta:
        verbose_name = _("catalog entry")
        verbose_name_plural = _("catalog entries")
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "service", "type", "operation"], name="entry_key_once_per_catalog"
            ),
            models.CheckConstraint(
                condition=~Q(service="") & ~Q(type="") & ~Q(operation=""), name="entry_key_complete"
            ),
            models.CheckConstraint(condition=~Q(category=""), name="entry_has_category"),
            # A credit belongs to an account and shows in its consumption; no public price is below zero.
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="entry_price_not_negative"),
        ]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def key(self) -> PriceKey:
        """What identifies the price in its catalog."""
        return PriceKey(self.service, self.type, self.operation)

    def as_price(self) -> PriceEntry:
        """Return the entry as the plain value that price rules work with."""
        return PriceEntry(self.key, self.unit_price, self.category, self.title, self.per_month)


class CommitmentPeriod(models.TextChoices):
    """How long a customer commits to keep what is quoted."""

    ONE_MONTH = "1month", _("1 month")
    ONE_YEAR = "1year", _("1 year")
    THREE_YEARS = "3years", _("3 years")


class CommitmentRateQuerySet(models.QuerySet["CommitmentRate"]):
    """What quotes ask of the rates."""

    def valid_on(self, day: dt.date, period: str) -> dict[str, "CommitmentRate"]:
        """Return the rate of each category that has one for ``period`` on ``day`` (one query)."""
        begun = self.filter(period=period, valid_from__lte=day).order_by("valid_from")
        return {rate.category: rate for rate in begun}  # the latest one stays


class CommitmentRate(models.Model):
    """The discount that a commitment gives on a category of prices; a category without a row gets none.

    The API exposes no reservation discounts: operators keep them here, and say which are confirmed.
    """

    category = models.CharField(
        _("category"),
        max_length=255,
        help_text=_("As the catalog names it: compute, storage, network, licence."),
    )
    period = models.CharField(_("commitment"), max_length=16, choices=CommitmentPeriod.choices)
    percent = models.DecimalField(
        _("discount in percent"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    valid_from = models.DateField(_("valid from"))
    confirmed = models.BooleanField(
        _("confirmed"), default=False, help_text=_("Checked against the current OUTSCALE price list.")
    )
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = CommitmentRateQuerySet.as_manager()

    class Meta:
        verbose_name = _("commitment rate")
        verbose_name_plural = _("commitment rates")
        constraints = [
            models.UniqueConstraint(
                fields=["category", "period", "valid_from"],
                name="rate_once_per_category_period_and_day",
                violation_error_message=_(
                    "This category already has a rate for this commitment from this day."
                ),
            ),
            models.CheckConstraint(condition=~Q(category=""), name="rate_has_category"),
            models.CheckConstraint(
                condition=Q(period__in=["1month", "1year", "3years"]), name="rate_period_known"
            ),
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100),
                name="rate_percent_in_range",
                violation_error_message=_("A discount lies between 0 and 100 percent."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category}, {self.get_period_display()}: {self.percent} %"


class SpanCost(models.Model):
    """A cost of one or more resources along the time (``costs.timeline``): whole, and on a day."""

    digest = models.CharField(_("checksum"), max_length=64, unique=True)
    content = models.TextField(_("cost"))
    day_cost = models.TextField(_("cost of a day"))

    class Meta:
        verbose_name = _("cost along the time")
        verbose_name_plural = _("costs along the time")

    def __str__(self) -> str:
        return self.digest[:8]


class ResourceSpanQuerySet(models.QuerySet["ResourceSpan"]):
    """What the portal asks of the resources along the time."""

    def of(self, account_id: str, region: str, reader: str) -> "ResourceSpanQuerySet":
        """Keep what a key has read of an OUTSCALE account in a region."""
        return self.filter(account_id=account_id, region=region, reader=reader)


class ResourceSpan(models.Model):
    """A resource as the readings of a key had it from one day on, and before another (``costs.timeline``)."""

    account_id = models.CharField(_("OUTSCALE account"), max_length=64)
    region = models.CharField(_("region"), max_length=64)
    reader = models.CharField(_("reader"), max_length=64)
    resource_type = models.CharField(_("kind of resource"), max_length=32)
    resource_id = models.CharField(_("resource"), max_length=512)
    first_day = models.PositiveIntegerField(_("first day"))
    end_day = models.PositiveIntegerField(_("end"))
    cost = models.ForeignKey(SpanCost, models.PROTECT, related_name="spans", verbose_name=_("cost"))
    line = models.TextField(_("line"))
    line_digest = models.BigIntegerField(_("checksum of the line"))

    objects = ResourceSpanQuerySet.as_manager()

    class Meta:
        verbose_name = _("resource along the time")
        verbose_name_plural = _("resources along the time")
        indexes = [
            # It holds all that a sum needs, so that no row is looked up.
            models.Index(
                fields=[
                    "account_id",
                    "region",
                    "reader",
                    "end_day",
                    "first_day",
                    "resource_type",
                    "resource_id",
                    "cost",
                ],
                name="span_summed",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(account_id="") & ~Q(region="") & ~Q(reader=""), name="span_owned"
            ),
            models.CheckConstraint(condition=Q(end_day__gt=F("first_day")), name="span_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type} {self.resource_id}"


class CostSnapshotQuerySet(models.QuerySet["CostSnapshot"]):
    """What the portal asks of the stored readings."""

    def of(self, account_id: str, region: str) -> "CostSnapshotQuerySet":
        """Keep the readings of an OUTSCALE account in a region."""
        return self.filter(account_id=account_id, region=region)

    def newest_first(self) -> "CostSnapshotQuerySet":
        """Put the newest reading first."""
        return self.order_by("-taken_at", "-pk")

    def without_lines(self) -> "CostSnapshotQuerySet":
        """Load the facts of readings without their lines."""
        return self.defer("content")


class CostSnapshot(models.Model):
    """A reading of everything that an account had in a region at one moment, priced.

    The last one is the cache of the pages. Of each day the last one is kept for each key, besides the last
    complete one and the last with the object storage. ``reader`` stands for the key, of which it tells
    nothing: a reading is shown only to who may read the same.
    """

    account_id = models.CharField(_("OUTSCALE account"), max_length=64)
    region = models.CharField(_("region"), max_length=64)
    reader = models.CharField(_("reader"), max_length=64)
    taken_at = models.DateTimeField(_("taken"))
    day = models.DateField(_("day"), help_text=_("The UTC day on which it was taken."))
    is_complete = models.BooleanField(_("complete"), help_text=_("No list failed."))
    has_objects = models.BooleanField(
        _("with object storage"), help_text=_("The object storage was asked for.")
    )
    resource_count = models.PositiveIntegerField(_("resources"))
    unpriced_count = models.PositiveIntegerField(_("not priced whole"))
    currency = models.CharField(_("currency"), max_length=3)
    per_month = ScaledDecimalField(
        _("cost per month"),
        null=True,
        help_text=_("730 hours, before tax, rounded; the lines are exact. Empty when too large to be kept."),
    )
    content = models.BinaryField(_("lines"))
    known_kinds = models.JSONField(
        _("known kinds"),
        null=True,
        help_text=_("Of which all resources were read. Empty: it was stored before there was a time line."),
    )

    objects = CostSnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = _("cost reading")
        verbose_name_plural = _("cost readings")
        indexes = [
            models.Index(fields=["account_id", "region", "-taken_at"], name="snapshot_by_account_and_time")
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(account_id="") & ~Q(region="") & ~Q(reader=""), name="snapshot_owned"
            ),
            models.CheckConstraint(
                condition=Q(unpriced_count__lte=F("resource_count")), name="snapshot_counts_in_order"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="snapshot_currency_is_iso"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.region} {self.taken_at:%Y-%m-%d %H:%M}"

    @property
    def lacks(self) -> bool:
        """Tell whether the totals lack something: a list, or the price of a resource."""
        return not self.is_complete or self.unpriced_count > 0


class CostReading(models.Model):
    """A reading under way, kept between its slices so that any process can go on with it.

    Whoever works on it has claimed it until ``claimed_until``. No key is kept: each slice brings its own.
    """

    account_id = models.CharField(_("OUTSCALE account"), max_length=64)
    region = models.CharField(_("region"), max_length=64)
    reader = models.CharField(_("reader"), max_length=64)
    touched_at = models.DateTimeField(_("last step"))
    claimed_until = models.DateTimeField(_("claimed until"))
    content = models.BinaryField(_("what has been read"))

    class Meta:
        verbose_name = _("reading under way")
        verbose_name_plural = _("readings under way")
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "region", "reader"], name="reading_once_per_account_region_and_reader"
            ),
            models.CheckConstraint(
                condition=~Q(account_id="") & ~Q(region="") & ~Q(reader=""), name="reading_owned"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.region}"
