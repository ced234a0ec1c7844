"""Quotes: what a customer plans to run, for how long, at which prices."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import OwnedQuerySet
from costs.models import CommitmentPeriod
from costs.money import ScaledDecimalField, show_number
from costs.pricing import Price
from quotes import snapshot
from quotes.resources import ResourceType


class QuoteStatus(models.TextChoices):
    """An owner works on at most one quote, the active one; the others are kept."""

    ACTIVE = "active", _("Active")
    SAVED = "saved", _("Saved")


class DurationUnit(models.TextChoices):
    """The unit of a quote's duration; all are whole numbers of hours, a month is 730."""

    HOURS = "hours", _("hours")
    DAYS = "days", _("days")
    WEEKS = "weeks", _("weeks")
    MONTHS = "months", _("months")
    YEARS = "years", _("years")

    @property
    def hours(self) -> int:
        """Return the hours of one unit."""
        return {"hours": 1, "days": 24, "weeks": 168, "months": 730, "years": 8760}[self.value]


LONGEST_HOURS = 100 * 8760
"""No quote is longer than a hundred years."""


class QuoteQuerySet(OwnedQuerySet):
    """Quotes as their owner sees them."""

    def with_item_count(self) -> "QuoteQuerySet":
        """Add ``item_count`` to each quote."""
        return self.annotate(item_count=Count("items"))

    def by_latest_change(self) -> "QuoteQuerySet":
        """Put the active quote first, then the most recently changed."""
        return self.order_by("status", "-updated_at", "pk")  # "active" sorts before "saved"


class Quote(models.Model):
    """A plan of cloud resources with its terms. At most one of an owner's quotes is active."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="quotes", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(_("status"), max_length=16, choices=QuoteStatus.choices)
    duration = models.PositiveIntegerField(_("duration"), default=1)
    duration_unit = models.CharField(
        _("unit"), max_length=16, choices=DurationUnit.choices, default=DurationUnit.MONTHS
    )
    commitment_period = models.CharField(
        _("commitment"), max_length=16, choices=CommitmentPeriod.choices, blank=True
    )
    global_discount_percent = ScaledDecimalField(_("discount in percent"), default=Decimal(0))
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))

    objects = QuoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        indexes = [models.Index(fields=["owner", "status", "-updated_at"], name="quote_list")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(status="active"), name="quote_one_active_per_owner"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="quote_has_name"),
            models.CheckConstraint(condition=Q(status__in=["active", "saved"]), name="quote_status_known"),
            models.CheckConstraint(condition=Q(duration__gte=1), name="quote_duration_positive"),
            models.CheckConstraint(
                condition=Q(duration_unit__in=["hours", "days", "weeks", "months", "years"]),
                name="quote_duration_unit_known",
            ),
            models.CheckConstraint(
                condition=Q(commitment_period__in=["", "1month", "1year", "3years"]),
                name="quote_commitment_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    global_discount_percent__gte=Decimal(0), global_discount_percent__lte=Decimal(100)
                ),
                name="quote_discount_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Tell whether this is the quote its owner works on."""
        return self.status == QuoteStatus.ACTIVE

    @property
    def duration_text(self) -> str:
        """The duration in words, such as "12 months"."""
        number = self.duration
        words = {
            DurationUnit.HOURS: ngettext("%(number)s hour", "%(number)s hours", number),
            DurationUnit.DAYS: ngettext("%(number)s day", "%(number)s days", number),
            DurationUnit.WEEKS: ngettext("%(number)s week", "%(number)s weeks", number),
            DurationUnit.MONTHS: ngettext("%(number)s month", "%(number)s months", number),
            DurationUnit.YEARS: ngettext("%(number)s year", "%(number)s years", number),
        }
        return words[DurationUnit(self.duration_unit)] % {"number": show_number(number)}

    @property
    def hours(self) -> int:
        """The duration in hours."""
        return self.duration * DurationUnit(self.duration_unit).hours


class QuoteGroup(models.Model):
    """A named part of a quote with its own subtotal."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    quote = models.ForeignKey(Quote, models.CASCADE, related_name="groups", verbose_name=_("quote"))
    name = models.CharField(_("name"), max_length=120)
    display_order = models.PositiveIntegerField(_("position"), default=0)
    collapsed = models.BooleanField(_("collapsed"), default=False)

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        constraints = [
            models.UniqueConstraint(fields=["quote", "name"], name="group_name_once_per_quote"),
            models.CheckConstraint(condition=~Q(name=""), name="group_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class QuoteItem(models.Model):
    """A number of equal resources in a quote, with the price that they had when they were added.

    ``parameters`` are those of the JSON API for this ``resource_type``; ``price`` is what
    ``quotes.snapshot`` writes and reads.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    quote = models.ForeignKey(Quote, models.CASCADE, related_name="items", verbose_name=_("quote"))
    group = models.ForeignKey(
        QuoteGroup, models.SET_NULL, null=True, blank=True, related_name="items", verbose_name=_("group")
    )
    resource_name = models.CharField(_("name"), max_length=120, blank=True)
    resource_type = models.CharField(_("resource"), max_length=32, choices=ResourceType.choices)
    region = models.CharField(_("region"), max_length=64)
    parameters = models.JSONField(_("parameters"), default=dict)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    price = models.JSONField(_("price"))
    display_order = models.PositiveIntegerField(_("position"), default=0)
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0),
                name="item_quantity_positive",
                violation_error_message=_("The quantity must be above zero."),
            ),
            models.CheckConstraint(
                condition=Q(resource_type__in=ResourceType.values), name="item_resource_type_known"
            ),
            models.CheckConstraint(condition=~Q(region=""), name="item_has_region"),
        ]

    def __str__(self) -> str:
        return self.resource_name or str(self.kind)

    @property
    def kind(self) -> str:
        """The name of its resource; Django's own display is slow where a page has hundreds of rows."""
        return ResourceType(self.resource_type).label

    @cached_property
    def unit_price(self) -> Price:
        """Return the price of one of these resources, as it was when it was last taken from a catalog."""
        return snapshot.price_of(self.price)
