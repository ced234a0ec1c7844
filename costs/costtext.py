"""The current cost as a text for people: totals, kinds, resources, and first of all what is missing."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from costs.amounts import Amount
from costs.costdocuments import said_of
from costs.currentcost import CurrentCost, tag_texts, type_name
from costs.exports import Table, one_line
from costs.lines import Line
from costs.money import RATE_PLACES, show_money
from costs.unlisted import Unlisted

TAGS_SHOWN = 3


def text_of(
    cost: CurrentCost,
    *,
    table: Callable[[Table], str],
    written: Callable[[str], str] = one_line,
    heading: str = "",
    with_resources: bool = True,
) -> str:
    """Write a reading with one table after another, each made by ``table`` under a title.

    ``written`` makes the cloud's own words harmless in a sentence; ``heading`` stands in front of a title,
    such as ``## `` in Markdown.
    """
    tables = [(_("Current cost"), _facts(cost)), (_("By type"), _types(cost))]
    if with_resources:
        tables.append((_("Resources"), _resources(cost)))
    if cost.unlisted and cost.unlisted.lines:
        day = f"{cost.unlisted.day:%Y-%m-%d}"
        title = _("Not listed by any call, as consumed on %(day)s; not in the total") % {"day": day}
        tables.append((title, _unlisted(cost.unlisted)))
    parts = [f"{heading}{title}\n\n{table(rows)}".rstrip() for title, rows in tables]
    said = said_of(cost, written)
    if said:
        title = heading + _("The total is incomplete")
        parts.insert(0, "\n".join([title, "", *(f"- {sentence}" for sentence in said)]))
    return "\n\n".join(parts) + "\n"


def _facts(cost: CurrentCost) -> Table:
    snapshot, currency = cost.snapshot, cost.currency
    assumed = _("%(currency)s (assumed)") % {"currency": currency}
    prices = _("catalog version %(version)s of %(day)s, tax excluded") % {
        "version": snapshot.catalog_version,
        "day": f"{snapshot.catalog_valid_from:%Y-%m-%d}",
    }
    hour, month = _shown(cost.amount, currency)
    rows = [
        (_("Account"), snapshot.account_id),
        (_("Region"), snapshot.region),
        (_("Read at"), f"{snapshot.taken_at:%Y-%m-%d %H:%M} UTC"),
        (_("Prices"), prices),
        (_("Currency"), currency if snapshot.currency_confirmed else assumed),
        (_("Resources"), str(len(cost.lines))),
        (_("Per hour"), hour),
        (_("Per month"), month),
        (_("Per year"), show_money(cost.amount.year, currency)),
    ]
    if cost.leaves_objects_out:
        rows.append((_("Object storage"), _("not read")))
    return Table((_("Total"), _("Value")), rows)


def _types(cost: CurrentCost) -> Table:
    rows = []
    for group in cost.by_type():
        figures = _shown(group.amount, cost.currency) if group.amount is not None else ["–", "–"]
        rows.append([group.name, "–" if group.count is None else str(group.count), *figures])
    return Table((_("Type"), _("Count"), _("Per hour"), _("Per month")), rows)


def _resources(cost: CurrentCost) -> Table:
    columns = (_("Resource"), _("Name"), _("Type"), _("Specification"), _("Tags"), _("State"))
    rows = (_resource(cost, line) for line in cost.lines)
    return Table((*columns, _("Per hour"), _("Per month")), rows)


def _unlisted(unlisted: Unlisted) -> Table:
    rows = (
        [line.name, *(["–", "–"] if line.price is None else _shown(line.amount, unlisted.currency))]
        for line in unlisted.lines
    )
    return Table((_("Product"), _("Per hour"), _("Per month")), rows)


def _resource(cost: CurrentCost, line: Line) -> list[Any]:
    price = cost.cost_of(line)
    least = "" if price.is_priced else "≥ "
    name = "" if line.name == line.resource_id else line.name
    facts = [line.resource_id, name, type_name(line.resource_type), line.specification]
    return [
        *facts,
        _tags(line),
        line.state,
        *(least + figure for figure in _shown(price.amount, cost.currency)),
    ]


def _tags(line: Line) -> str:
    """Write the first tags; a table of fifty beside each other is for no one to read."""
    texts = tag_texts(line)
    return "; ".join([*texts[:TAGS_SHOWN], *(["…"] if len(texts) > TAGS_SHOWN else [])])


def _shown(amount: Amount, currency: str) -> list[str]:
    return [show_money(amount.hour, currency, places=RATE_PLACES), show_money(amount.month, currency)]
