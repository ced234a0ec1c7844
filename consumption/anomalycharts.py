"""The chart of daily costs with their expected band, its finding in words, and its figures as a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.anomalies import LEAST_NOISE_DAYS, LEAST_WEEKS, Anomaly, JudgedDay, Kind, Verdict
from consumption.anomalyfindings import Findings, Found, State
from consumption.daytext import day_text, period_text, short_day, weekday_text
from consumption.groupnames import Names
from consumption.history import Dimension, Step
from consumption.reasons import chart_state, step_state
from costs.money import round_for_display, show_money, show_percent

_YEAR_DAYS = 366

LEARNING_DAYS = LEAST_WEEKS * 7 + LEAST_NOISE_DAYS
"""How many known days there must be before a day can be judged."""


@dataclass(frozen=True)
class DayRow:
    """A day as the table of the chart's figures shows it."""

    name: str
    state: str
    kind: str
    is_part: bool
    day: JudgedDay
    verdict: str


def chart_of(findings: Findings, urls: dict[str, str]) -> dict[str, Any] | None:
    """Return the chart as its script takes it, or None when there is nothing to draw.

    ``urls`` lead to the explanation of each anomaly, by its key.
    """
    history, days = findings.history, findings.days
    if not any(step.cost for step in history.steps):
        return None
    owner = {
        day.day: found.anomaly.key
        for found in findings.shown
        for day in found.anomaly.days
        if day.verdict == Verdict.ANOMALOUS
    }
    hrefs = {key: f"{url}#anomalies" for key, url in urls.items()}
    marked = [day.cost if day.day in owner else None for day in days]
    series = [
        {"name": _("Expected, from"), "role": "low", "values": [_value(day.low) for day in days]},
        {
            "name": _("Expected, up to"),
            "legend": _("Expected band"),
            "role": "high",
            "values": [_value(day.high) for day in days],
        },
        {
            "name": _("Cost"),
            "role": "actual",
            "values": [_value(step.cost) for step in history.steps],
            "partial": _parts(findings),
        },
        {
            "name": _("Anomaly"),
            "role": "mark",
            "values": [_value(cost) for cost in marked],
            "hrefs": [hrefs.get(owner.get(day.day, "")) for day in days],
        },
    ]
    with_year = history.question.period.length > _YEAR_DAYS
    return {
        "label": title_of(),
        "currency": history.currency,
        "labels": [day.day.isoformat() for day in days],
        "names": [day_text(day.day) if with_year else short_day(day.day) for day in days],
        "states": [chart_state(step.coverage) for step in history.steps],
        "series": series if any(cost is not None for cost in marked) else series[:3],
    }


def _parts(findings: Findings) -> list[bool]:
    """Tell of each day whether its cost is only what is known of it: read in part, or without some price."""
    history = findings.history
    known = zip(history.steps, findings.days, history.unpriced_by_step, strict=True)
    return [bool(lines) or (day.cost is None and step.cost is not None) for step, day, lines in known]


def _value(amount: Decimal | None) -> str | None:
    """Write an amount for the script, which only places pixels."""
    return None if amount is None else f"{amount:.4f}".rstrip("0").rstrip(".")


def title_of() -> str:
    """Say what the chart shows."""
    return _("Cost per day and what was expected")


def day_rows(findings: Findings) -> list[DayRow]:
    """Return the figures of the chart day by day."""
    days = zip(findings.history.steps, findings.days, _parts(findings), strict=True)
    return [_day_row(step, day, is_part=is_part) for step, day, is_part in days]


def _day_row(step: Step, day: JudgedDay, *, is_part: bool) -> DayRow:
    kinds = {"missing": "is-missing", "provisional": "is-provisional"}
    state = chart_state(step.coverage)
    known = day if day.cost is not None else JudgedDay(day.day, step.cost, day.verdict)
    return DayRow(
        weekday_text(day.day),
        step_state(step.coverage),
        kinds.get(state, ""),
        is_part,
        known,
        verdict_text(day),
    )


def verdict_text(day: JudgedDay) -> str:
    """Say in a word or two what a day was found to be."""
    words = {
        Verdict.USUAL: _("as expected"),
        Verdict.UNKNOWN: _("not known"),
        Verdict.TOO_EARLY: _("too early to judge"),
        Verdict.STILL_GROWS: _("can still grow"),
    }
    if day.verdict == Verdict.ANOMALOUS:
        return _("anomaly: more") if day.excess > 0 else _("anomaly: less")
    return words[day.verdict]


# --- An anomaly in words


def kind_text(anomaly: Anomaly) -> str:
    """Say in a word or two how an anomaly has gone on."""
    rise = anomaly.is_rise
    return {
        Kind.SPIKE: _("spike") if rise else _("dip"),
        Kind.LASTING: _("lasting rise") if rise else _("lasting fall"),
        Kind.ONGOING: _("rise, ongoing") if rise else _("fall, ongoing"),
    }[anomaly.kind]


def story_of(anomaly: Anomaly) -> str:
    """Say since when, and whether it has ended."""
    facts = {"first": weekday_text(anomaly.period.first), "last": day_text(anomaly.period.last)}
    if anomaly.kind == Kind.LASTING:
        text = _(
            "Since %(first)s. The new level has stayed, so from the day after %(last)s on it is what is "
            "expected; the figures are those of the days until then."
        )
    elif anomaly.kind == Kind.ONGOING:
        text = _("Since %(first)s, and still so on the last day that can be judged.")
    elif anomaly.period.length == 1:
        text = _("On %(first)s only; the cost has come back.")
    else:
        text = _("From %(first)s to %(last)s; the cost has come back.")
    return text % facts


def compared_text(anomaly: Anomaly) -> str:
    """Name the days that an anomaly is compared with."""
    days = sorted({day.reference for day in anomaly.days})
    named = ", ".join(weekday_text(day) for day in days[:7])
    if len(days) > 7:
        named = _("%(days)s and %(count)s more") % {"days": named, "count": len(days) - 7}
    return _(
        "Each day is compared with the day of median cost among the last usual days of its weekday: %(days)s."
    ) % {"days": named}


# --- The finding


def finding_of(findings: Findings, names: Names) -> SafeString:
    """Say how many anomalies there are, the largest with its cause, and what could not be judged."""
    days = findings.history.question.period.length
    count = len(findings.all)
    if count:
        whole = ngettext("%(count)s anomaly", "%(count)s anomalies", count) % {"count": count}
    else:
        whole = _("No anomaly")
    period = ngettext("%(days)s day", "%(days)s days", days) % {"days": days}
    begin = _("%(anomalies)s in %(period)s.") % {"anomalies": whole, "period": period}
    sentences = [*_largest(findings, names), *_marked(findings), *_judged(findings)]
    return format_html("<strong>{}</strong> {}", begin, " ".join(sentences))


def _largest(findings: Findings, names: Names) -> Iterator[str]:
    if not findings.all:
        return
    anomaly = max((found.anomaly for found in findings.all), key=lambda one: abs(one.excess))
    facts = {
        "days": period_text(anomaly.period),
        "size": show_money(abs(anomaly.excess), findings.history.currency),
        "cause": names.text(Dimension.TYPE, findings.main_type_of(anomaly)),
    }
    one_of = len(findings.all) > 1
    if anomaly.excess > 0:
        text = _("The largest, %(days)s, cost %(size)s more than expected, mainly for %(cause)s.")
        only = _("%(days)s cost %(size)s more than expected, mainly for %(cause)s.")
    else:
        text = _("The largest, %(days)s, cost %(size)s less than expected, mainly for %(cause)s.")
        only = _("%(days)s cost %(size)s less than expected, mainly for %(cause)s.")
    yield (text if one_of else only) % facts


def _marked(findings: Findings) -> Iterator[str]:
    count = sum(found.state == State.EXPECTED for found in findings.all)
    if count:
        yield ngettext("%(count)s is marked as expected.", "%(count)s are marked as expected.", count) % {
            "count": count
        }
    hidden = len(findings.all) - len(findings.shown)
    if hidden:
        yield ngettext(
            "%(count)s is not shown, as it is in another state.",
            "%(count)s are not shown, as they are in another state.",
            hidden,
        ) % {"count": hidden}


def _judged(findings: Findings) -> Iterator[str]:
    verdicts, judged = findings.verdicts, findings.judged
    yield ngettext("%(count)s day was checked.", "%(count)s days were checked.", judged) % {"count": judged}
    if early := verdicts[Verdict.TOO_EARLY]:
        yield ngettext(
            "%(count)s day cannot be judged: %(weeks)s weeks of known days are needed before it.",
            "%(count)s days cannot be judged: %(weeks)s weeks of known days are needed before them.",
            early,
        ) % {"count": early, "weeks": LEARNING_DAYS // 7}
    if grows := verdicts[Verdict.STILL_GROWS]:
        yield ngettext(
            "%(count)s provisional day costs less so far, which says nothing yet.",
            "%(count)s provisional days cost less so far, which says nothing yet.",
            grows,
        ) % {"count": grows}
    if unknown := verdicts[Verdict.UNKNOWN]:
        yield ngettext(
            "%(count)s day is not known, or only in part.",
            "%(count)s days are not known, or only in part.",
            unknown,
        ) % {"count": unknown}


# --- Rows


@dataclass(frozen=True)
class Row:
    """An anomaly as the table shows it."""

    found: Found
    kind: str
    cause: str
    open_url: str
    is_open: bool

    @property
    def anomaly(self) -> Anomaly:
        """The anomaly itself."""
        return self.found.anomaly

    @property
    def is_expected(self) -> bool:
        """Tell whether it is marked as expected."""
        return self.found.state == State.EXPECTED

    @property
    def days(self) -> str:
        """Its days, both included."""
        return period_text(self.anomaly.period)

    @property
    def tone(self) -> str:
        """The class of its size."""
        return "up" if self.anomaly.excess > 0 else "down"

    @property
    def icon(self) -> str:
        """The arrow, which says it without colour."""
        return "arrow-up-right" if self.anomaly.excess > 0 else "arrow-down-right"

    @property
    def percent(self) -> str:
        """Its size in percent with a sign; empty where nothing was expected."""
        if self.anomaly.percent is None:
            return ""
        shown = show_percent(round_for_display(self.anomaly.percent, 1), places=1)
        return f"+{shown}" if self.anomaly.percent > 0 else shown
