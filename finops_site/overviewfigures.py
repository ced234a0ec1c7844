"""What the overview shows of a bill: its figures in a strip, its days, what has changed, and its places."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import standing
from accounts.keyring import Key
from consumption import anomaliespage, historycharts, historyrows, trendspage
from consumption.comparison import Change, Comparison
from consumption.daytext import day_text, period_text
from consumption.forecastpage import bill_text, shortage_of
from consumption.history import History
from consumption.historypage import HISTORY
from consumption.periods import Period, months_later
from consumption.reasons import Badge, badge_of, lacks_some
from costs.money import HOURS_PER_MONTH, RATE_PLACES, show_money
from finops_site.overviewbills import Answer, Bill
from finops_site.overviewuntagged import untagged_tile

MOST_MOVERS = 5
"""How many of the largest changes are shown; the page of the trends has more."""


@dataclass(frozen=True)
class Tile:
    """A figure that leads to its page: an amount, None while it is unknown, and what is known of it.

    ``lacks``: it is only the known part; ``is_whole``: none of its days is unread. ``unit``
    stands after it, ``note`` below it says more, or why it is unknown; ``change`` is that against the time
    before, ``read_at`` when it was read.
    """

    name: str
    title: str
    url: str
    amount: Decimal | None
    lacks: bool = False
    is_whole: bool = True
    unit: str = ""
    badge: Badge | None = None
    change: Change | None = None
    note: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True)
class Place:
    """The account and region of a key: what it has spent this month, and what it is expected to spend.

    ``refusal`` is why the cloud has refused the key lately, empty when it has not; ``is_read``: what is kept
    may be shown with this key.
    """

    key: Key
    spent: Tile
    expected: Tile
    is_read: bool
    refusal: str


def figures_of(bill: Bill) -> dict[str, Any]:
    """Return what is shown of a bill."""
    spent, expected = _spent(bill), _expected(bill)
    return {
        "currency": bill.currency,
        "where": bill.places,
        "tiles": [spent, expected, _last_month(bill), running_of(bill)],
        "untagged": untagged_tile(bill),
        "days": _days(bill),
        "movers": _movers(bill),
        "places": [_place(part) for part in bill.parts],
        "spent": spent,
        "expected": expected,
    }


def month_text(bill: Bill) -> str:
    """Name this month as far as it is over: ``December so far``."""
    return _("%(month)s so far") % {"month": date_format(bill.now.date(), "F")}


# --- The strip


def _spent(bill: Bill) -> Tile:
    title = month_text(bill)
    if not bill.month_has_begun:  # the page shows the month before by the same name
        return Tile("month", title, HISTORY.url, None, note=_("No day of it is over yet."))
    return _told("month", title, bill.month)


def _last_month(bill: Bill) -> Tile:
    this_month = months_later(bill.now.date(), 0)
    period = Period(months_later(this_month, -1), this_month)
    answer = bill.last_month
    tile = _told("last-month", bill_text(period), answer)
    if tile.amount is None:
        return tile
    comparison = Comparison(answer.found)
    change = comparison.total
    if change.percent is None and not change.is_new:
        return replace(tile, note=comparison.problem)
    return replace(
        tile, change=change, note=_("against %(period)s") % {"period": bill_text(comparison.period)}
    )


def _told(name: str, title: str, answer: Answer) -> Tile:
    """Return the total of a history with its coverage, or why there is none."""
    history: History | None = answer.found
    if history is None:
        return Tile(name, title, answer.url, None, note=answer.problem)
    badge = badge_of(history.coverage)
    if not history.coverage.with_figures:
        return Tile(name, title, answer.url, None, badge=badge, note=_("Nothing of it was read yet."))
    whole = history.coverage.is_whole
    return Tile(name, title, answer.url, history.total, lacks_some(history), is_whole=whole, badge=badge)


def _expected(bill: Bill) -> Tile:
    answer, outcome = bill.outcome, bill.outcome.found
    last = day_text(answer.asked.form.ahead.last)
    title = _("Expected on %(day)s") % {"day": last}
    if outcome is None:
        return Tile("expected", title, answer.url, None, note=answer.problem or _("It is being worked out."))
    forecast = outcome.forecast
    if forecast.expected_total is None:
        return Tile("expected", title, answer.url, None, note=shortage_of(forecast))
    facts = {
        "low": show_money(forecast.total_80.low, bill.currency),
        "high": show_money(forecast.total_80.high, bill.currency),
    }
    note = _("80%%: %(low)s to %(high)s") % facts
    return Tile("expected", title, answer.url, forecast.expected_total, lacks=outcome.lacks_some, note=note)


def running_of(bill: Bill) -> Tile:
    """Return what runs, as it was read last; what was never read is lacking."""
    title, url = _("Running now"), reverse("costs:current")
    read = [one for one in bill.readings.values() if one and one.per_month is not None]
    if not read:
        return Tile("running", title, url, None, note=_("What runs was not read yet."))
    month = sum(one.per_month for one in read)
    hour = show_money(month / HOURS_PER_MONTH, bill.currency, places=RATE_PLACES)
    unread = bill.place_texts(key for key in bill.access.keys if bill.readings[key.place] not in read)
    lacks = bool(unread) or any(one.lacks for one in read)
    hour = f"≥ {hour}" if lacks else hour
    note = _("%(hour)s per hour") % {"hour": hour}
    if unread:
        note = _("%(hour)s per hour, without %(places)s") % {"hour": hour, "places": "; ".join(unread)}
    return Tile(
        "running",
        title,
        url,
        month,
        lacks=lacks,
        unit=_("per month"),
        note=note,
        read_at=min(one.taken_at for one in read),
    )


# --- The days


def _days(bill: Bill) -> dict[str, Any]:
    """Return the last days as chart and tables, as the page of the history shows them."""
    answer, history = bill.days, bill.days.found
    shown = {"url": answer.url, "id": f"days-{bill.currency.lower()}", "problem": answer.problem}
    if history is None:
        return shown | {"history": None}
    names, address = answer.asked.names, answer.asked.form.address
    parts = [_led(part) for part in historycharts.parts_of(history, names, address)]
    rows = historyrows.rows_of(history, names, address, order=answer.asked.form.order)
    comparison = Comparison(history)
    known = history.coverage.with_figures
    return shown | {
        "history": history,
        "known": known,
        "badge": badge_of(history.coverage),
        "lacks": lacks_some(history),
        "chart": historycharts.chart_of(history, parts),
        "finding": historycharts.finding_of(history, parts) if known else "",
        "parts": parts,
        "rows": [replace(row, url=_whole(row.url)) for row in rows[:]],
        "steps": historycharts.step_rows(history, parts),
        "steps_title": historycharts.steps_title(history),
        "step_word": historycharts.step_word(history),
        "average": history.total / (known or 1),
        "largest_share": (history.groups[0].share or 0) if history.groups else 0,
        "change": comparison.total,
        "compared": comparison.problem or period_text(comparison.period),
        "is_compared": not comparison.problem,
    }


def _led(part: historycharts.Part) -> historycharts.Part:
    return part._replace(url=_whole(part.url))


def _whole(query: str) -> str:
    """Return the whole address of what the page of the history writes as a query of its own."""
    return f"{HISTORY.url}{query}" if query else ""


# --- What has changed


def _movers(bill: Bill) -> dict[str, Any]:
    """Return the largest changes of an average day in the last whole month, or why none is named."""
    answer, trends = bill.trends, bill.trends.found
    shown = trendspage.shown_movers(answer.asked, trends) if trends else None
    found = {"url": answer.url, "currency": bill.currency, "rows": [], "names": None, "problem": ""}
    if shown is None:
        problem = _("The month before is billed in another currency.")
        if not (trends and trends.last):
            problem = answer.problem or _("No month is wholly read yet.")
        return found | {"problem": problem}
    names = {"month": shown["name"], "before": shown["before"]}
    rows = [mover for _direction, movers in shown["directions"] for mover in movers]
    if not rows:
        problem = _("Nothing has moved since %(before)s.")
        if not shown["of"].is_known:
            problem = _("%(before)s is not wholly read, so that no change is known.")
        return found | {"names": names, "problem": problem % names}
    rows.sort(key=lambda row: -abs(row["of"].per_day))
    return found | {"names": names, "rows": rows[:MOST_MOVERS]}


def anomalies_of(bills: list[Bill]) -> list[dict[str, Any]]:
    """Return the open anomalies of each bill, with the address of the page that has them."""
    return [_anomalies(bill) for bill in bills]


def _anomalies(bill: Bill) -> dict[str, Any]:
    answer, findings = bill.anomalies, bill.anomalies.found
    found = {"url": answer.url, "currency": bill.currency, "rows": [], "judged": 0, "problem": answer.problem}
    if findings is None:
        return found
    rows = anomaliespage.rows_of(answer.asked, findings)
    return found | {"rows": rows, "judged": findings.judged}


# --- The places


def _place(bill: Bill) -> Place:
    [key] = bill.access.keys
    refusal = next((message for _key, message in bill.access.refusals), "")
    if not refusal and (error := standing.refusal_of(key.access_key)):
        refusal = str(error.message)
    return Place(key, _spent(bill), _expected(bill), bool(bill.access.ledgers), refusal)
