"""What the page of the forecast shows: what a period is expected to cost, by which model, how surely."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.daytext import days_text, period_text
from consumption.forecast import LONGEST_GAP, MOST_UNKNOWN, UNKNOWN_DAYS, Forecast
from consumption.forecastcharts import MOST_ROWS, chart_of, rows_of, shown_days
from consumption.forecastdays import Outcome, outcome_of, remembered_outcome_of
from consumption.forecastfiles import FORMATS
from consumption.forecastforms import ForecastFilter, Horizon
from consumption.periods import Period, months_later
from costs.money import show_money, show_percent


@dataclass(frozen=True)
class ModelRow:
    """A family of models as the table of the back-test shows it."""

    name: str
    detail: str
    error_percent: Decimal | None
    is_chosen: bool


def answer_of(asked: Asked) -> Outcome:
    """Return what answers a valid question."""
    return outcome_of(asked.access.ledgers, asked.question, asked.form.ahead, **_seen_by(asked))


def remembered_answer_of(asked: Asked) -> Outcome | None:
    """Return what answers a valid question; None while nobody has worked it out."""
    return remembered_outcome_of(asked.access.ledgers, asked.question, asked.form.ahead, **_seen_by(asked))


def _seen_by(asked: Asked) -> dict[str, Any]:
    return {
        "today": asked.now.date(),
        "learn_from": asked.form.learns_from,
        "expected": len(asked.keys),
        "known": asked.known_days,
    }


def figures_of(asked: Asked, outcome: Outcome) -> dict[str, Any]:
    """Return the figures of a valid question."""
    forecast, currency = outcome.forecast, outcome.history.currency
    return {
        "forecast": forecast,
        "currency": currency,
        "bill": bill_text(forecast.period),
        "title": _("Cost per day, known and expected"),
        "finding": finding_of(forecast, currency),
        "shortage": shortage_of(forecast),
        "chart": chart_of(outcome),
        "day_count": shown_days(outcome).length,
        "rows": rows_of(outcome) if _shows_days(asked, outcome) else [],
        "models": model_rows(forecast),
        "method": list(_method(forecast)),
        "remarks": list(_remarks(outcome)),
        "spent_text": _spent_text(outcome),
        "left_text": _left_text(forecast),
        "lacks_spent": outcome.lacks_spent,
        "lacks_some": outcome.lacks_some,
    }


def _shows_days(asked: Asked, outcome: Outcome) -> bool:
    """Tell whether the figures of the chart come at once: a year of days takes longer than all the rest."""
    return shown_days(outcome).length <= MOST_ROWS or asked.form.cleaned_data["steps"]


def bill_text(period: Period) -> str:
    """Name the days of a bill: ``November 2026``, or ``1 to 20 Nov 2026``."""
    is_month = period.is_whole_months and months_later(period.first, 1) == period.end
    return date_format(period.first, _("F Y")) if is_month else period_text(period)


def finding_of(forecast: Forecast, currency: str) -> SafeString:
    """Say what the period will cost, what of it is spent, and what is still to come."""
    if forecast.expected_total is None:
        return format_html("{}", shortage_of(forecast))
    told = _("The bill of %(period)s is expected to be about %(total)s.") % {
        "period": bill_text(forecast.period),
        "total": show_money(forecast.expected_total, currency),
    }
    facts = {
        "low": show_money(forecast.total_80.low, currency),
        "high": show_money(forecast.total_80.high, currency),
        "percent": show_percent(Decimal(80)),
    }
    parts = ""
    if forecast.actual_to_date is not None:
        facts["spent"] = show_money(forecast.actual_to_date, currency)
        facts["left"] = show_money(forecast.still_to_come, currency)
        parts = _("%(spent)s are spent to date, and %(left)s still to come.") % facts
    sure = _("In %(percent)s of the cases it lies between %(low)s and %(high)s.") % facts
    return format_html("<strong>{}</strong> {} {}", told, parts, sure)


def shortage_of(forecast: Forecast) -> str:
    """Say why nothing is expected, empty when something is."""
    if not forecast.reason:
        return ""
    if forecast.reason == UNKNOWN_DAYS:
        text = _("%(unknown)s past days of %(period)s are not known; at most %(most)s are filled in.")
        facts = {"period": bill_text(forecast.period), "unknown": forecast.unknown_days, "most": MOST_UNKNOWN}
        return text % facts
    known = ngettext(
        "%(known)s final day is known without a long gap.",
        "%(known)s final days are known without a long gap.",
        forecast.known_days,
    )
    needed = _("A forecast until %(until)s needs %(needed)s: two weeks, and a third of the days ahead.")
    facts = {
        "known": forecast.known_days,
        "needed": forecast.needed_days,
        "until": period_text(Period(forecast.until, forecast.period.end)),
    }
    return f"{known} {needed}" % facts


def model_name(model: str) -> str:
    """Name a family of models."""
    return {
        "seasonal": _("Seasonal smoothing"),
        "linear": _("Linear trend"),
        "exponential": _("Exponential trend"),
        "naive": _("The last week again"),
    }[model]


def model_rows(forecast: Forecast) -> list[ModelRow]:
    """Return the families of models with their errors, the smallest first and the yardstick last."""
    details = {
        "seasonal": _("Holt-Winters: a level, its weekdays, and a slope that fades away"),
        "linear": _("as much more each day, with its weekdays"),
        "exponential": _("the same percentage more each day, with its weekdays"),
        "naive": _("what other tools do, and ours must do better"),
    }
    rows = [
        ModelRow(model_name(one.model), details[one.model], one.error_percent, one.model == forecast.model)
        for one in forecast.candidates
    ]
    *models, naive = rows or [None]
    known = sorted(
        models, key=lambda row: (not row.is_chosen, row.error_percent is None, row.error_percent or 0)
    )
    return [*known, naive] if naive else []


def _method(forecast: Forecast) -> Iterator[str]:
    """Say how the model was chosen and what it has learnt from."""
    if forecast.reason:
        return
    facts = {
        "origins": forecast.origins,
        "days": forecast.tested_days,
        "model": model_name(forecast.model),
        "ours": _percent(forecast.error_percent),
        "naive": _percent(forecast.naive_error_percent),
    }
    yield (
        ngettext(
            "Each model was asked from %(origins)s day of the past on, for %(days)s days, and compared with "
            "what came.",
            "Each model was asked from %(origins)s days of the past on, for %(days)s days each, and compared "
            "with what came.",
            forecast.origins,
        )
        % facts
    )
    if forecast.model == "naive":
        yield (
            _("None erred less than the last week repeated (%(naive)s), so that is what is expected.") % facts
        )
    else:
        text = _(
            "“%(model)s” erred least: by %(ours)s of the cost of a day; the last week repeated, by %(naive)s."
        )
        yield text % facts


def _percent(value: Decimal | None) -> str:
    return "–" if value is None else show_percent(value, places=2)


def _remarks(outcome: Outcome) -> Iterator[str]:
    """Say what the models have learnt from, what was left out of it, and what is not final."""
    forecast, costs = outcome.forecast, outcome.costs
    if forecast.trained_on:
        text = ngettext(
            "Learnt from %(known)s final day of %(period)s.",
            "Learnt from %(known)s final days of %(period)s.",
            forecast.known_days,
        )
        yield text % {"known": forecast.known_days, "period": period_text(forecast.trained_on)}
        unknown = [day for day in forecast.trained_on.days if not (day in costs and costs[day].is_final)]
        if unknown:
            yield _("Not learnt from, as they are not finally known: %(days)s.") % {
                "days": days_text(unknown)
            }
        if forecast.trained_on.first > min(costs):
            text = _(
                "Nothing before is learnt from: it cost nothing, was not asked for, or lies before more than "
                "%(days)s unknown days."
            )
            yield text % {"days": LONGEST_GAP}
    if forecast.spikes:
        text = _(
            "Set aside, as they stand out for three days at most and would bend the forecast: %(days)s. What "
            "they cost is in the sums."
        )
        yield text % {"days": days_text(forecast.spikes)}
    young = [
        point.date for point in forecast.points if point.date in costs and not costs[point.date].is_final
    ]
    if young:
        text = _(
            "Not final: %(days)s. Such a day counts with what is expected of it, and at least with its cost "
            "so far."
        )
        yield text % {"days": days_text(young)}
    unread = [
        point.date for point in forecast.points if point.date < _today(outcome) and point.date not in costs
    ]
    if unread:
        text = _("Not known: %(days)s. Such a day counts with what is expected of it.")
        yield text % {"days": days_text(unread)}
    if any(cost.per_month for cost in costs.values()):
        yield _("What is billed by the month costs less a day in a longer month; that is taken into account.")


def _today(outcome: Outcome) -> dt.date:
    """Return the day that has not ended yet."""
    return outcome.history.question.period.end


def _spent_text(outcome: Outcome) -> str:
    """Say how many days of the period are known so far."""
    period = outcome.forecast.period
    passed = (min(_today(outcome), period.end) - period.first).days
    known = sum(day in outcome.costs for day in period.days)
    if passed <= 0:
        return _("it has not begun yet")
    text = ngettext("%(known)s of %(passed)s past day", "%(known)s of %(passed)s past days", passed)
    return text % {"known": known, "passed": passed}


def _left_text(forecast: Forecast) -> str:
    """Say which days are still to come, or to become final."""
    days = [point.date for point in forecast.points if point.date >= forecast.period.first]
    return days_text(days)


def presets_of(form: ForecastFilter) -> list[dict[str, Any]]:
    """Return the periods ahead that have a name, each with its address."""
    base = form.address.copy()
    base.pop("until", None)
    current = "" if form.errors else form.horizon_name
    found = []
    for horizon in Horizon:
        base["horizon"] = horizon
        entry = {"key": str(horizon), "label": horizon.label, "url": f"?{base.urlencode()}"}
        found.append(entry | {"is_current": horizon == current})
    return found


FORECAST = AnalysisPage(
    name="forecast",
    heading=gettext_lazy("Forecast"),
    stem="forecast",
    shows="consumption/_forecast_figures.html",
    form=ForecastFilter,
    answer=answer_of,
    figures=figures_of,
    formats=FORMATS,
    presets=presets_of,
)
"""The page of the forecast."""
