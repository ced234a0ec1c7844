"""The trends as plain documents: what the JSON API answers and the JSON file holds."""

from decimal import Decimal
from typing import Any

from consumption.documents import unpriced_document
from consumption.periods import Period
from consumption.trends import Earlier, Point, Trends
from consumption.trendsmovers import Mover, Movers
from costs.money import money_text


def document_of(trends: Trends) -> dict[str, Any]:
    """Return the trends as the JSON API gives them: numbers are text, ``to_date`` is excluded."""
    history, compound, slope = trends.history, trends.compound, trends.slope
    return {
        **_days(history.question.period),
        "granularity": str(trends.granularity),
        "group_by": str(history.question.group_by),
        "currency": history.currency or None,
        "total": money_text(history.total) if history.coverage.with_figures else None,
        "periods": [_point(point) for point in trends.points],
        "growth_rate": _text(compound and compound.percent),
        "growth_from": _days(compound.first) if compound else None,
        "growth_to": _days(compound.last) if compound else None,
        "slope_per_day": _text(slope and slope.per_day),
        "slope_percent": _text(slope and slope.percent),
        "average": _text(trends.average),
        "moving_average_steps": trends.window,
        "compared": _days(trends.last.period) if trends.last else None,
        "comparisons": [_earlier(one) for one in trends.earlier],
        **_movers(trends.movers),
        "unpriced": [unpriced_document(one) for one in history.unpriced],
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else money_text(number)


def _days(period: Period) -> dict[str, str]:
    return {"from_date": period.first.isoformat(), "to_date": period.end.isoformat()}


def _point(point: Point) -> dict[str, Any]:
    return {
        **_days(point.period),
        "cost": _text(point.cost),
        "average_day": _text(point.average_day),
        "moving_average": _text(point.moving_average),
        "growth": _text(point.change.percent),
        "cost_growth": _text(point.cost_change.percent),
        "is_whole": point.is_whole,
        "unpriced_lines": point.unpriced,
        "coverage": point.step.coverage.counts,
    }


def _earlier(one: Earlier) -> dict[str, Any]:
    return {
        "kind": one.kind,
        **_days(one.period),
        "steps": one.steps,
        "cost": _text(one.cost),
        "average_day": _text(one.average_day),
        "currency": one.currency or None,
        "lacks_prices": one.lacks,
        "change_per_day": _text(one.per_day),
        "growth": _text(one.change.percent),
    }


def _movers(movers: Movers | None) -> dict[str, Any]:
    """Return the movers, most first; None while the step before is not wholly read."""
    if movers is None or not movers.is_known:
        return {
            "movers_before": None,
            "movers_after": None,
            "movers": None,
            "movers_unknown": 0,
            "movers_unclear": 0,
        }
    return {
        "movers_before": _days(movers.before),
        "movers_after": _days(movers.period),
        "movers": [_mover(one) for one in (*movers.up, *movers.down)],
        "movers_unknown": movers.unknown,
        "movers_unclear": movers.unclear,
    }


def _mover(one: Mover) -> dict[str, Any]:
    return {
        "key": one.key,
        "before": money_text(one.before),
        "after": money_text(one.after),
        "change": money_text(one.change),
        "change_per_day": money_text(one.per_day),
        "growth": _text(one.percent.percent),
        "lacks_prices": one.lacks,
    }
