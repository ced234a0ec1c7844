"""The chart of a trend, its finding in a sentence, and its figures as a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.comparison import Change
from consumption.daytext import step_text, weekday_text
from consumption.models import DayState
from consumption.periods import Granularity, Period
from consumption.reasons import chart_state, step_state
from consumption.trends import Point, Trends
from costs.money import money_text, round_for_display, show_money, show_percent

MOST_BARS = 160
"""More steps than this are drawn as a line: bars would be too thin to tell what is known of them."""

_YEAR_DAYS = 366


@dataclass(frozen=True)
class TrendRow:
    """A step as the table shows it. ``is_part``: its cost is only what is known of it."""

    name: str
    state: str
    kind: str
    is_part: bool
    cost: Decimal | None
    average_day: Decimal | None
    moving_average: Decimal | None
    change: Change


def title_of(trends: Trends) -> str:
    """Say what the chart shows."""
    return {
        Granularity.DAY: _("Cost per day and its average of 7 days"),
        Granularity.WEEK: _("Cost per week and its average of 4 weeks"),
        Granularity.MONTH: _("Cost per month and its average of 3 months"),
    }[trends.granularity]


def average_title(trends: Trends) -> str:
    """Name the moving average."""
    return {
        Granularity.DAY: _("Average of 7 days"),
        Granularity.WEEK: _("Average of 4 weeks"),
        Granularity.MONTH: _("Average of 3 months"),
    }[trends.granularity]


def name_of(period: Period, granularity: str) -> str:
    """Name a step in a sentence or a table, with its year."""
    if granularity == Granularity.DAY:
        return weekday_text(period.first)
    return step_text(period, granularity, with_year=True)


def chart_of(trends: Trends) -> dict[str, Any] | None:
    """Return the chart as its script takes it, or None when there is nothing to draw.

    A step of which nothing was read is None, never zero; what is known of one in part only is a lower bound.
    A step that the period cuts off has the colour of what cannot be compared.
    """
    points, history = trends.points, trends.history
    if not any(point.cost for point in points):
        return None
    states = [chart_state(point.step.coverage) for point in points]
    with_year = history.question.period.length > _YEAR_DAYS
    cost: dict[str, Any] = {
        "name": _("Cost"),
        "role": "bar",
        "values": [_value(_drawn(point)) for point in points],
        "partial": [
            bool(point.unpriced) or state == "partial" for point, state in zip(points, states, strict=True)
        ],
    }
    if len(points) > MOST_BARS:
        cost["role"] = "actual"
    elif any(point.is_cut for point in points):
        cost["colors"] = ["others" if point.is_cut else "series-1" for point in points]
    average = [_value(point.moving_average) for point in points]
    has_line = len(average) - average.count(None) > 1  # of one point there is no line to see
    line = {"name": average_title(trends), "role": "average", "values": average}
    return {
        "label": title_of(trends),
        "currency": history.currency,
        "labels": [point.period.first.isoformat() for point in points],
        "names": [step_text(point.period, trends.granularity, with_year=with_year) for point in points],
        "states": states,
        "legend": [{"name": _cut_text(trends), "color": "others"}] if "colors" in cost else [],
        "series": [cost, line] if has_line else [cost],
    }


def _drawn(point: Point) -> Decimal | None:
    """Return the cost to draw: a step that was read, of which nothing has a price, is at least nothing."""
    return Decimal() if point.cost is None and point.step.coverage.with_figures else point.cost


def _value(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)


def _cut_text(trends: Trends) -> str:
    return {
        Granularity.DAY: "",
        Granularity.WEEK: _("Part of a week"),
        Granularity.MONTH: _("Part of a month"),
    }[trends.granularity]


def rows_of(trends: Trends) -> list[TrendRow]:
    """Return the figures of the chart step by step."""
    kinds = {"missing": "is-missing", "provisional": "is-provisional"}
    return [
        TrendRow(
            name_of(point.period, trends.granularity),
            _state_of(trends, point),
            kinds.get(chart_state(point.step.coverage), ""),
            bool(point.unpriced) or chart_state(point.step.coverage) == "partial",
            point.cost,
            point.average_day,
            point.moving_average,
            point.change,
        )
        for point in trends.points
    ]


def _state_of(trends: Trends, point: Point) -> str:
    state = step_state(point.step.coverage)
    if not point.is_cut:
        return state
    part = _cut_text(trends)
    if point.step.coverage.state == DayState.COMPLETE:
        return part
    return _("%(part)s, %(state)s") % {"part": part, "state": state}


# --- The finding


def finding_of(trends: Trends) -> SafeString:
    """Say where the cost is going: the last whole step, the growth, and what is compared with nothing."""
    if trends.last is None:
        return format_html("<strong>{}</strong>", _nothing_whole(trends))
    sentences = [*_growth(trends), *_slope(trends), *_left_out(trends)]
    return format_html("<strong>{}</strong> {}", _last_step(trends, trends.last), " ".join(sentences))


def _nothing_whole(trends: Trends) -> str:
    return {
        Granularity.DAY: _("No day of this period is wholly read, so that nothing can be compared."),
        Granularity.WEEK: _("No whole week of this period is read, so that nothing can be compared."),
        Granularity.MONTH: _("No whole month of this period is read, so that nothing can be compared."),
    }[trends.granularity]


def _last_step(trends: Trends, last: Point) -> str:
    currency, name = trends.history.currency, name_of(last.period, trends.granularity)
    cost = show_money(last.cost, currency)
    facts = {"step": name, "cost": _("at least %(cost)s") % {"cost": cost} if last.unpriced else cost}
    if last.change.percent is None:
        text = _("%(step)s: %(cost)s.")
    else:
        before = trends.points[trends.points.index(last) - 1]
        shown = round_for_display(last.change.percent, 1)
        facts |= {
            "percent": show_percent(abs(shown), places=1),
            "before": name_of(before.period, trends.granularity),
        }
        by_day = trends.granularity == Granularity.MONTH
        if not shown:
            text = _("%(step)s: %(cost)s, by the day as much as in %(before)s.")
            text = text if by_day else _("%(step)s: %(cost)s, as much as %(before)s.")
        elif shown > 0:
            text = _("%(step)s: %(cost)s, by the day %(percent)s more than in %(before)s.")
            text = text if by_day else _("%(step)s: %(cost)s, %(percent)s more than %(before)s.")
        else:
            text = _("%(step)s: %(cost)s, by the day %(percent)s less than in %(before)s.")
            text = text if by_day else _("%(step)s: %(cost)s, %(percent)s less than %(before)s.")
    return text % facts


def _growth(trends: Trends) -> Iterator[str]:
    compound = trends.compound
    if compound is None or compound.steps < 2:  # of one step it is the change that was said already
        return
    shown = round_for_display(compound.percent, 1)
    facts = {
        "first": name_of(compound.first, trends.granularity),
        "last": name_of(compound.last, trends.granularity),
        "percent": show_percent(abs(shown), places=1),
    }
    if not shown:
        yield _("From %(first)s to %(last)s it did not grow.") % facts
        return
    more = {
        Granularity.DAY: _("From %(first)s to %(last)s it grew by %(percent)s a day, compounded."),
        Granularity.WEEK: _("From %(first)s to %(last)s it grew by %(percent)s a week, compounded."),
        Granularity.MONTH: _("From %(first)s to %(last)s it grew by %(percent)s a month, compounded."),
    }
    less = {
        Granularity.DAY: _("From %(first)s to %(last)s it fell by %(percent)s a day, compounded."),
        Granularity.WEEK: _("From %(first)s to %(last)s it fell by %(percent)s a week, compounded."),
        Granularity.MONTH: _("From %(first)s to %(last)s it fell by %(percent)s a month, compounded."),
    }
    yield (more if shown > 0 else less)[trends.granularity] % facts


def _slope(trends: Trends) -> Iterator[str]:
    if trends.slope is None:
        return
    shown = round_for_display(trends.slope.per_day)
    facts = {"amount": show_money(abs(shown), trends.history.currency)}
    level = {
        Granularity.DAY: _("The line through all days is level."),
        Granularity.WEEK: _("The line through all whole weeks is level."),
        Granularity.MONTH: _("The line through all whole months is level."),
    }
    rises = {
        Granularity.DAY: _("The line through all days rises by %(amount)s from day to day."),
        Granularity.WEEK: _("The line through all whole weeks rises by %(amount)s a day from week to week."),
        Granularity.MONTH: _(
            "The line through all whole months rises by %(amount)s a day from month to month."
        ),
    }
    falls = {
        Granularity.DAY: _("The line through all days falls by %(amount)s from day to day."),
        Granularity.WEEK: _("The line through all whole weeks falls by %(amount)s a day from week to week."),
        Granularity.MONTH: _(
            "The line through all whole months falls by %(amount)s a day from month to month."
        ),
    }
    texts = level if not shown else rises if shown > 0 else falls
    yield texts[trends.granularity] % facts


def _left_out(trends: Trends) -> Iterator[str]:
    """Say how many steps are compared with nothing, and that some can still change."""
    count = len(trends.points) - len(trends.whole)
    if count:
        facts = {"count": count, "total": len(trends.points)}
        text = ngettext(
            "%(count)s of %(total)s steps is not whole or not wholly read, and is compared with nothing.",
            "%(count)s of %(total)s steps are not whole or not wholly read, and are compared with nothing.",
            count,
        )
        yield text % facts
    if trends.history.coverage.counts[DayState.PROVISIONAL]:
        yield _("The bill of the provisional days can still grow.")
