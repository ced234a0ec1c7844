"""The tags of resources along the time, and when they were read (``consumption.tags``)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from consumption.entries import LONGEST_RESOURCE_ID

LONGEST_TAG = 255
"""How many characters OUTSCALE gives a key or a value of a tag (CreateTags)."""


class TagReading(models.Model):
    """A UTC day (an ordinal) on which the tags of all resources of a kind were read, last at ``read_at``."""

    ledger = models.ForeignKey(
        "consumption.Ledger", models.CASCADE, related_name="tag_readings", verbose_name=_("ledger")
    )
    resource_type = models.CharField(_("kind of resource"), max_length=32)
    day = models.PositiveIntegerField(_("day"))
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("reading of tags")
        verbose_name_plural = _("readings of tags")
        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "resource_type", "day"], name="tag_reading_once_per_kind_and_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type} {self.day}"


class ResourceTag(models.Model):
    """A tag of a resource along the time, in days as ordinals (``consumption.tags``).

    It was seen at each reading from ``first_day`` on, and not any more at that of ``end_day``
    (``costs.timeline.OPEN`` while it is seen). It is taken to hold on the days of
    ``[held_from, held_until)``, on which a resource never has two values of a key.
    """

    ledger = models.ForeignKey(
        "consumption.Ledger",
        models.CASCADE,
        related_name="tags",
        verbose_name=_("ledger"),
        db_index=False,  # longer indexes begin with it
    )
    resource_type = models.CharField(_("kind of resource"), max_length=32)
    resource_id = models.CharField(_("resource"), max_length=LONGEST_RESOURCE_ID)
    key = models.CharField(_("key"), max_length=LONGEST_TAG)
    value = models.CharField(_("value of the tag"), max_length=LONGEST_TAG, blank=True)
    first_day = models.PositiveIntegerField(_("first day"))
    end_day = models.PositiveIntegerField(_("end"))
    held_from = models.PositiveIntegerField(_("held from"))
    held_until = models.PositiveIntegerField(_("held until"))

    class Meta:
        verbose_name = _("tag of a resource")
        verbose_name_plural = _("tags of resources")
        indexes = [
            models.Index(fields=["ledger", "end_day"], name="tag_by_end"),
            # It holds all that a question needs, so that no row is looked up.
            models.Index(
                fields=["ledger", "key", "value", "resource_id", "held_from", "held_until"], name="tag_asked"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["ledger", "resource_id", "key", "first_day"], name="tag_once_per_first_day"
            ),
            models.CheckConstraint(condition=Q(end_day__gt=F("first_day")), name="tag_seen_in_order"),
            models.CheckConstraint(
                condition=Q(held_from__lte=F("first_day"), held_until__gte=F("end_day")),
                name="tag_held_while_seen",
            ),
            models.CheckConstraint(condition=~Q(resource_id="") & ~Q(key=""), name="tag_named"),
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} {self.key}={self.value}"
