"""The rules that say which cost centre a resource belongs to: what one holds, and whose it is."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet, User

LONGEST_CENTRE = 120
"""How many characters the name of a cost centre has."""

LONGEST_PATTERN = 255
"""A key or a value of a tag has at most as many (OUTSCALE CreateTags), and so has the id of a resource."""

ANYTHING = "*"
"""In a pattern it stands for any characters, or none; every other character stands for itself."""


class AllocationRuleQuerySet(OwnedQuerySet):
    """Rules as those see them who keep them or whom they are for."""

    def kept_by(self, owner: User | None) -> "AllocationRuleQuerySet":
        """Keep the rules of ``owner`` in their order; those of the operators for None."""
        kept = self.filter(owner=None) if owner is None else self.owned_by(owner)
        return kept.order_by("position", "pk")

    def for_owner(self, owner: User) -> "AllocationRuleQuerySet":
        """Keep the rules that hold for ``owner``, in their order: their own, then those of the operators."""
        theirs = self.filter(Q(owner=owner) | Q(owner=None))
        return theirs.order_by(F("owner").asc(nulls_last=True), "position", "pk")


class AllocationRule(models.Model):
    """What belongs to a cost centre: the resources that fulfil all conditions, each day by itself.

    An empty condition is none. ``tag_key`` and ``tag_value`` are one condition: what the resource carries on
    the day. ``name_pattern`` is that of its id or of its tag ``Name``. Patterns are taken as they are
    written, capital letters too, but for ``ANYTHING``. Of the rules of an owner, the first that fits decides;
    then those of the operators, whose ``owner`` is None, and which hold for everybody. ``updated_at`` is when
    its content was last changed; another place is no change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="allocation_rules",
        verbose_name=_("owner"),
        help_text=_("Nobody: the operators, for everybody."),
    )
    position = models.PositiveIntegerField(_("place"), help_text=_("Among the rules of the same owner."))
    cost_centre = models.CharField(_("cost centre"), max_length=LONGEST_CENTRE)
    account_id = models.CharField(_("OUTSCALE account"), max_length=64, blank=True)
    tag_key = models.CharField(_("tag"), max_length=LONGEST_PATTERN, blank=True)
    tag_value = models.CharField(_("value of the tag"), max_length=LONGEST_PATTERN, blank=True)
    name_pattern = models.CharField(_("name or id"), max_length=LONGEST_PATTERN, blank=True)
    updated_at = models.DateTimeField(_("changed"))

    objects = AllocationRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("allocation rule")
        verbose_name_plural = _("allocation rules")
        constraints = [
            models.UniqueConstraint(fields=["owner", "position"], name="rule_place_once_per_owner"),
            models.UniqueConstraint(
                fields=["position"], condition=Q(owner=None), name="rule_place_once_for_operators"
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="rule_place_from_one"),
            models.CheckConstraint(condition=~Q(cost_centre=""), name="rule_has_cost_centre"),
            models.CheckConstraint(
                condition=~Q(account_id="", tag_key="", name_pattern=""),
                name="rule_has_condition",
                violation_error_message=_(
                    "A rule needs at least one condition: an account, a tag, or a name or id."
                ),
            ),
            models.CheckConstraint(
                condition=Q(tag_key="", tag_value="") | ~Q(tag_key="") & ~Q(tag_value=""),
                name="rule_tag_is_whole",
                violation_error_message=_("A tag is a key and a value."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.cost_centre}"

    @property
    def is_of_operators(self) -> bool:
        """Tell whether it holds for everybody, and only operators change it."""
        return self.owner_id is None
