"""What a new budget starts from: a quote, or what last month has cost."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.keyring import place_texts
from consumption.asking import Asked
from consumption.coverage import Coverage
from consumption.daytext import period_text
from consumption.history import Dimension, History
from consumption.models import DayState
from consumption.periods import Preset
from costs.money import round_for_display
from quotes.calculation import CurrencyTotals
from quotes.models import Quote
from quotes.sheet import Sheet, sheet_of

LONGEST_NAME = 120

_SCOPE_OF = {
    Dimension.ACCOUNT: "accounts",
    Dimension.REGION: "regions",
    Dimension.CATEGORY: "categories",
    Dimension.SERVICE: "services",
}
"""The filters of the consumption that a budget can have, and the fields of its form."""

_DAYS = ("first", "last")


@dataclass(frozen=True)
class Notice:
    """What is said above the form: its ``kind`` as the notices of the pages have it, a title, and a text."""

    kind: str
    title: str
    text: str = ""


@dataclass(frozen=True)
class Start:
    """The values that a form begins with, and what is to be said of them.

    ``is_refused``: what was asked for cannot be a budget; the notices say why.
    """

    values: dict[str, Any] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    is_refused: bool = False


def from_quote(quote: Quote, *, at: dt.datetime) -> Start:
    """Return a budget of what a quote costs each month, all discounts off, in the regions of its items.

    Of a quote with several currencies, one is taken, which is said.
    """
    sheet = sheet_of(quote, at=at)
    if not sheet.rows:
        title = _("The quote “%(name)s” is empty.") % {"name": quote.name}
        return Start({"name": quote.name}, [Notice("warn", title, _("Type the amount yourself."))])
    totals = max(sheet.calculation.totals.values(), key=lambda one: len(_regions_in(sheet, one.currency)))
    values = {
        "name": quote.name,
        "amount": round_for_display(totals.monthly),
        "currency": totals.currency,
        "regions": _regions_in(sheet, totals.currency),
    }
    return Start(values, _notices_on(quote, sheet, totals))


def _regions_in(sheet: Sheet, currency: str) -> list[str]:
    return sorted({row.item.region for row in sheet.rows if row.item.unit_price.currency == currency})


def _notices_on(quote: Quote, sheet: Sheet, totals: CurrencyTotals) -> list[Notice]:
    title = _("The amount is what the quote “%(name)s” costs each month.") % {"name": quote.name}
    text = _("All discounts are off; what is charged only once is not in it.")
    notices = [Notice("note", title, text)]
    others = sorted(sheet.calculation.totals.keys() - {totals.currency})
    if others:
        title = _("The quote has items in %(others)s, too.") % {"others": ", ".join(others)}
        text = _("Amounts in different currencies are never added: make a budget for each.")
        notices.append(Notice("warn", title, text))
    return notices


def last_month(query: QueryDict) -> QueryDict:
    """Return the address of the consumption that asks the same of last month."""
    asked = query.copy()
    for name in _DAYS:
        asked.pop(name, None)
    asked["period"] = Preset.LAST_MONTH
    return asked


def from_spending(asked: Asked, *, account_id: str) -> Start:
    """Return a budget of what a question about last month answers, with its filters as the scope.

    The amount is what is known of the cost, rounded half up to cents, and none when nothing is known. Raises
    ``SeveralCurrencies``.
    """
    problems = asked.form.problems + _no_scope(asked)
    if problems:
        title = _("No budget can be made from this address.")
        return Start({}, [Notice("bad", title, " ".join(problems))], is_refused=True)
    history = asked.history
    values = _scope_of(asked, history, account_id) | {"name": _name_of(asked)}
    if history.currency:
        values["currency"] = history.currency
    if history.coverage.with_figures and history.total >= 0:
        values["amount"] = round_for_display(history.total)
    return Start(values, [_known_of(history, values.get("amount")), *_more_counted(asked, values)])


def _no_scope(asked: Asked) -> list[str]:
    others = [one for one in Dimension if one not in _SCOPE_OF and asked.form.cleaned_data.get(one)]
    labels = ", ".join(str(one.label) for one in others)
    text = _("A budget cannot be limited by this: %(filters)s.") % {"filters": labels}
    return [text] if others else []


def _scope_of(asked: Asked, history: History, account_id: str) -> dict[str, Any]:
    given = asked.form.cleaned_data
    scope = {name: given[dimension] for dimension, name in _SCOPE_OF.items()}
    return scope | {
        "regions": list(dict.fromkeys(key.region for key in asked.keys)),
        "accounts": scope["accounts"] or _accounts_shown(asked, history, account_id),
    }


def _accounts_shown(asked: Asked, history: History, account_id: str) -> list[str]:
    """Return the accounts whose cost is shown; none where it is all that is billed to the owner's account."""
    shown, is_paying = {key.account_id for key in asked.keys}, any(one.is_paying for one in history.ledgers)
    if shown != {account_id}:
        return sorted(shown.union(history.accounts if history.question.with_linked else ()))
    return [account_id] if is_paying and not history.question.with_linked else []


def _name_of(asked: Asked) -> str:
    filters = asked.question.filters.items()
    named = [asked.names.text(dimension, value) for dimension, values in filters for value in sorted(values)]
    return (", ".join(named) or _("All costs"))[:LONGEST_NAME]


def _more_counted(asked: Asked, values: dict[str, Any]) -> list[Notice]:
    """Say which places a budget counts, too: its accounts and regions are lists of their own."""
    accounts, regions = values["accounts"], values["regions"]
    keys = [key for key in asked.keyring.keys if key.account_id in accounts and key.region in regions]
    more = place_texts([key for key in keys if key not in asked.keys], with_accounts=True)
    if not more:
        return []
    title = _("A budget of these accounts and regions counts more than is shown.")
    text = _("Its amount is without these: %(places)s.") % {"places": " · ".join(more)}
    return [Notice("warn", title, text)]


def _known_of(history: History, amount: Decimal | None) -> Notice:
    """Say how much of the month is known."""
    month = period_text(history.question.period)
    if amount is None:
        title = _("What %(month)s has cost is not known.") % {"month": month}
        text = _("Read it on the page of the consumption first, or type the amount yourself.")
        return Notice("warn", title, text)
    title = _("The amount is what %(month)s has cost.") % {"month": month}
    unpriced = sum(history.unpriced_by_step)
    if history.coverage.is_whole and not unpriced:
        return Notice("note", title, _may_grow(history.coverage))
    title = _("The amount is what is known of %(month)s: it may have cost more.") % {"month": month}
    return Notice("warn", title, " ".join([*_days_known(history.coverage), *_without_price(unpriced)]))


def _may_grow(coverage: Coverage) -> str:
    days = coverage.counts[DayState.PROVISIONAL]
    text = ngettext(
        "%(days)s day is provisional and may still grow.",
        "%(days)s days are provisional and may still grow.",
        days,
    )
    return text % {"days": days} if days else ""


def _days_known(coverage: Coverage) -> list[str]:
    if coverage.is_whole:
        return []
    counts = coverage.counts
    known = counts[DayState.COMPLETE] + counts[DayState.PROVISIONAL]
    text = ngettext(
        "%(known)s of %(days)s day is wholly known.",
        "%(known)s of %(days)s days are wholly known.",
        counts["days"],
    )
    return [text % {"known": known, "days": counts["days"]}]


def _without_price(lines: int) -> list[str]:
    text = ngettext("%(lines)s line has no price.", "%(lines)s lines have no price.", lines)
    return [text % {"lines": lines}] if lines else []
