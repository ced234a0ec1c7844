"""What the page of the allocation rules shows: each rule in its order, and what it catches in a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from consumption import historyrows
from consumption.analysispage import region_links
from consumption.asking import Asked
from consumption.costcentres import Caught, CostCentres, centres_of
from consumption.daytext import period_text
from consumption.history import Dimension, SeveralCurrencies
from consumption.reasons import badge_of, lacks_some
from consumption.rules import ANYTHING, AllocationRule


@dataclass(frozen=True)
class RuleRow:
    """A rule as the page shows it; ``caught`` and ``taken`` are None where no day is known."""

    rule: AllocationRule
    number: int
    conditions: Sequence[str]
    is_first: bool
    is_last: bool
    caught: Caught | None
    taken: Caught | None


def conditions_of(rule: AllocationRule) -> list[str]:
    """Say what must hold for a rule to fit, a text for each condition."""
    found = []
    if rule.account_id:
        found.append(_("account %(account)s") % {"account": rule.account_id})
    if rule.tag_key and rule.tag_value == ANYTHING:
        found.append(_("tag %(key)s, whatever its value") % {"key": rule.tag_key})
    elif rule.tag_key:
        found.append(_("tag %(key)s = %(value)s") % {"key": rule.tag_key, "value": rule.tag_value})
    if rule.name_pattern:
        found.append(_("name or id %(pattern)s") % {"pattern": rule.name_pattern})
    return found


def context_of(asked: Asked, rules: Sequence[AllocationRule]) -> dict[str, Any]:
    """Return what the page of some rules shows; what is wrong with the question is said in ``problems``."""
    found, several = _centres(asked, rules)
    form = asked.form
    address = form.address
    return {
        **_known(found),
        "own": _rows([rule for rule in rules if not rule.is_of_operators], rules, found),
        "general": _rows([rule for rule in rules if rule.is_of_operators], rules, found),
        "form": form,
        "shown": form.shown,
        "problems": form.problems,
        "several": several,
        "region_links": region_links(asked) if several else [],
        "hidden": historyrows.hidden_of(form),
        "presets": historyrows.presets_of(address, "" if form.errors else form.preset),
        "period_text": "" if form.errors else period_text(form.days),
        "regions": asked.places,
        "address": address,
        "query": f"?{address.urlencode()}" if address else "",
    }


def preview_of(asked: Asked, rules: Sequence[AllocationRule], rule: AllocationRule) -> dict[str, Any] | None:
    """Return what one of some rules would catch; None where no day is known."""
    found, _several = _centres(asked, rules)
    if found is None:
        return None
    number, names = rules.index(rule), asked.resource_names
    caught = found.caught[number]
    return {
        **_known(found),
        "caught": caught,
        "taken": found.taken[number],
        "dearest": [(names.of(Dimension.RESOURCE, place[2]), cost) for place, cost in caught.dearest],
        "period_text": period_text(asked.form.days),
    }


def _centres(
    asked: Asked, rules: Sequence[AllocationRule]
) -> tuple[CostCentres | None, SeveralCurrencies | None]:
    """Return the cost centres of a question; None where it cannot be answered, or no day of it is known."""
    if asked.form.errors:
        return None, None
    try:
        history = asked.history
    except SeveralCurrencies as error:
        return None, error
    return (centres_of(history, rules) if history.coverage.with_figures else None), None


def _known(found: CostCentres | None) -> dict[str, Any]:
    """Return how much of the asked days is known, and what no rule catches."""
    if found is None:
        return {"history": None, "allocation": None, "badge": None, "lacks": False, "nobody": None}
    allocation = found.allocation
    nobody = [group for group in allocation.groups if not group.is_whole]
    return {
        "history": allocation.history,
        "allocation": allocation,
        "badge": badge_of(allocation.history.coverage),
        "lacks": lacks_some(allocation.history),
        "nobody": nobody[0] if nobody else None,
        "shared_lacks": any(one.unpriced for one in allocation.shared),
    }


def _rows(
    some: Sequence[AllocationRule], rules: Sequence[AllocationRule], found: CostCentres | None
) -> list[RuleRow]:
    """Return the rows of the rules of one owner among all that hold."""
    before = rules.index(some[0]) if some else 0
    return [
        RuleRow(
            rule,
            before + place + 1,
            conditions_of(rule),
            is_first=place == 0,
            is_last=place == len(some) - 1,
            caught=found.caught[before + place] if found else None,
            taken=found.taken[before + place] if found else None,
        )
        for place, rule in enumerate(some)
    ]
