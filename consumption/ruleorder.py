"""The rules of an owner in their order: made, changed, moved, deleted.

Every function is one transaction that locks what it changes, so that two requests at once wait for each
other. The rules of the operators are those without an owner.
"""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError
from accounts.models import User
from consumption.rules import AllocationRule

MOST_RULES = 200
"""How many rules an owner can have."""

_ASIDE = 1_000_000
"""Beyond every place: the database checks the places row by row, and two rules never have the same one."""


class TooManyRules(PortalError):
    """The owner has ``MOST_RULES`` already."""

    code = "CONFLICT"
    message = _("There are at most %(most)s rules. Delete one of them first.") % {"most": MOST_RULES}
    http_status = 409


class ChangedMeanwhile(PortalError):
    """The rule was changed since it was read."""

    code = "CONFLICT"
    message = _("This rule was changed since you have opened it. Save again to replace that change.")
    http_status = 409


def is_full(owner: User | None) -> bool:
    """Tell whether an owner has as many rules as can be."""
    return AllocationRule.objects.kept_by(owner).count() >= MOST_RULES


@transaction.atomic
def keep(
    *, rule: AllocationRule, at: dt.datetime, place: int | None = None, seen: dt.datetime | None = None
) -> AllocationRule:
    """Write a new or a changed rule, at a place from 1 on among those of its owner.

    Without a place, or with one beyond the last, a new rule is the last; a changed one stays without a place.
    With ``seen``, the moment of the change that a changed rule was made from, raises ``ChangedMeanwhile``
    when there was another one. Raises ``TooManyRules``, and ``AllocationRule.DoesNotExist`` when it is gone.
    """
    others = _locked(rule.owner)
    if rule._state.adding:
        if len(others) >= MOST_RULES:
            raise TooManyRules
        now = len(others)
        rule.position = max((one.position for one in others), default=0) + 1
    else:
        now = _index(others, rule.pk)
        kept = others.pop(now)
        if seen is not None and kept.updated_at != seen:
            raise ChangedMeanwhile
        rule.position = kept.position
    rule.updated_at = at
    rule.save()
    others.insert(now if place is None else max(place - 1, 0), rule)
    _number(rule.owner, others)
    return rule


@transaction.atomic
def move(*, rule: AllocationRule, steps: int) -> None:
    """Let a rule be looked at so many steps later, earlier when negative; at an end it stays there.

    Raises ``AllocationRule.DoesNotExist`` when it is gone.
    """
    rules = _locked(rule.owner)
    now = _index(rules, rule.pk)
    moved = rules.pop(now)
    rules.insert(max(now + steps, 0), moved)
    _number(rule.owner, rules)


@transaction.atomic
def delete(*, rule: AllocationRule) -> None:
    """Delete a rule; ``AllocationRule.DoesNotExist`` when it is gone already."""
    rules = _locked(rule.owner)
    rules.pop(_index(rules, rule.pk)).delete()
    _number(rule.owner, rules)


def _locked(owner: User | None) -> list[AllocationRule]:
    """Return the rules of an owner in their order; nobody else changes them, or adds one, meanwhile.

    Those of the operators are of nobody: the first operator's row stands for all of them.
    """
    keepers = User.objects.filter(pk=owner.pk) if owner else User.objects.filter(is_staff=True)
    list(keepers.order_by("joined_at", "pk").select_for_update()[:1])
    return list(AllocationRule.objects.kept_by(owner))


def _index(rules: list[AllocationRule], pk: UUID) -> int:
    for index, rule in enumerate(rules):
        if rule.pk == pk:
            return index
    raise AllocationRule.DoesNotExist


def _number(owner: User | None, rules: list[AllocationRule]) -> None:
    """Let the places of rules be their order, from 1 on."""
    if [rule.position for rule in rules] == list(range(1, len(rules) + 1)):
        return
    AllocationRule.objects.filter(owner=owner).update(position=F("position") + _ASIDE)
    for place, rule in enumerate(rules, start=1):
        rule.position = place
    AllocationRule.objects.bulk_update(rules, ["position"])
