"""The chart of the history, its finding in a sentence, and its figures as a table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumption.comparison import Comparison
from consumption.daytext import days_text, is_whole_step, step_text, weekday_text
from consumption.groupnames import Names
from consumption.history import Dimension, History, Step
from consumption.historyrows import LARGEST, colour_of, opened
from consumption.models import DayState
from consumption.periods import Granularity
from consumption.reasons import chart_state, lacks_some, step_state
from costs.money import round_for_display, show_money, show_percent

_YEAR_DAYS = 366

_STANDS_OUT = Decimal("1.05")
"""How many times the usual cost the dearest step must have to be named."""


class Part(NamedTuple):
    """A part of the stack: its name, its colour, where it leads, and its cost step by step."""

    name: str
    colour: str
    url: str
    costs: list[Decimal | None]
    lacks: bool

    @property
    def total(self) -> Decimal:
        """What is known of its cost in all steps."""
        return sum((cost for cost in self.costs if cost is not None), Decimal())


@dataclass(frozen=True)
class StepRow:
    """A step as the table shows it: the cost of each part, then the sum."""

    name: str
    state: str
    kind: str
    is_part: bool
    costs: list[Decimal | None]
    total: Decimal | None


def parts_of(history: History, names: Names, address: QueryDict) -> list[Part]:
    """Return the largest groups in the order of their cost, and all others as one."""
    largest, rest = history.billed_keys[:LARGEST], history.billed_keys[LARGEST:]
    series = history.series(largest)
    dimension = history.question.group_by
    parts = [
        Part(
            names.text(dimension, key),
            colour_of(place, key, dimension),
            opened(address, history.question, key),
            series[key],
            bool(history.unpriced_count([key])),
        )
        for place, key in enumerate(largest)
    ]
    if rest:
        name = _("Others (%(count)s)") % {"count": len(rest)}
        costs = zip(history.steps, *_costs(parts), strict=True)
        others = [_rest(step, of_parts) for step, *of_parts in costs]
        parts.append(Part(name, "others", "", others, bool(history.unpriced_count(rest))))
    return parts


def _costs(parts: Iterable[Part]) -> list[list[Decimal | None]]:
    return [part.costs for part in parts]


def _rest(step: Step, costs: Iterable[Decimal | None]) -> Decimal | None:
    return None if step.cost is None else step.cost - sum(cost for cost in costs if cost is not None)


def chart_of(history: History, parts: list[Part]) -> dict[str, Any] | None:
    """Return the chart as its script takes it, or None when there is nothing to draw.

    A step of which nothing was read is None, never zero; what is known of one in part only is a lower bound.
    """
    if not history.total:
        return None
    states = [chart_state(step.coverage) for step in history.steps]
    return {
        "label": title_of(history),
        "currency": history.currency,
        "labels": [step.period.first.isoformat() for step in history.steps],
        "names": [_step_name(history, step) for step in history.steps],
        "states": states,
        "series": [
            {
                "name": part.name,
                "role": "bar",
                "color": part.colour,
                "values": [_value(cost) for cost in part.costs],
                "partial": [part.lacks or state == "partial" for state in states],
                "href": part.url or None,
            }
            for part in parts
        ],
    }


def _value(cost: Decimal | None) -> str | None:
    """Write a stored amount, which has ten decimals, for the script: there may be thousands of them."""
    return None if cost is None else f"{cost:.10f}".rstrip("0").rstrip(".")


def title_of(history: History) -> str:
    """Say what the chart shows: ``Cost per day, by type``."""
    by_length = {
        Granularity.DAY: _("Cost per day, by %(grouping)s"),
        Granularity.WEEK: _("Cost per week, by %(grouping)s"),
        Granularity.MONTH: _("Cost per month, by %(grouping)s"),
    }
    grouping = str(Dimension(history.question.group_by).label).lower()
    return by_length[Granularity(history.question.granularity)] % {"grouping": grouping}


def steps_title(history: History) -> str:
    """Name the table of the figures of the chart."""
    return {
        Granularity.DAY: _("Figures by day"),
        Granularity.WEEK: _("Figures by week"),
        Granularity.MONTH: _("Figures by month"),
    }[Granularity(history.question.granularity)]


def step_word(history: History) -> str:
    """Name one step of the series."""
    return str(Granularity(history.question.granularity).label)


def _step_name(history: History, step: Step) -> str:
    with_year = history.question.period.length > _YEAR_DAYS
    return step_text(step.period, history.question.granularity, with_year=with_year)


def _known(part: Part, cost: Decimal | None) -> Decimal | None:
    """Return what a part cost in a step; None where all that is known of it is that it has no price."""
    return None if part.lacks and not cost else cost


def _row_name(history: History, step: Step) -> str:
    if history.question.granularity == Granularity.DAY:
        return weekday_text(step.period.first)
    return step_text(step.period, history.question.granularity, with_year=True)


def step_rows(history: History, parts: list[Part]) -> list[StepRow]:
    """Return the figures of the chart step by step."""
    kinds = {"missing": "is-missing", "provisional": "is-provisional"}
    costs = zip(*_costs(parts), strict=True) if parts else ([] for _step in history.steps)
    return [
        StepRow(
            _row_name(history, step),
            step_state(step.coverage),
            kinds.get(chart_state(step.coverage), ""),
            chart_state(step.coverage) == "partial",
            [_known(part, cost) for part, cost in zip(parts, found, strict=True)],
            step.cost,
        )
        for step, found in zip(history.steps, costs, strict=True)
    ]


# --- The finding


def finding_of(history: History, parts: list[Part]) -> SafeString:
    """Say what the chart shows: the sum, its largest part, the usual step, the change, and the gaps."""
    known = history.coverage.with_figures
    days = ngettext("%(total)s on %(days)s day.", "%(total)s on %(days)s days.", known)
    if lacks_some(history):
        days = ngettext("At least %(total)s on %(days)s day.", "At least %(total)s on %(days)s days.", known)
    total = days % {"total": show_money(history.total, history.currency), "days": known}
    sentences = [*_shape(history, parts), *_gaps(history)]
    return format_html("<strong>{}</strong> {}", total, " ".join(sentences))


def _shape(history: History, parts: list[Part]) -> Iterator[str]:
    dearest = history.groups[0] if history.groups else None
    if dearest and dearest.share and len(parts) > 1:
        share = show_percent(dearest.share, places=1)
        yield _("The largest part is %(name)s: %(share)s.") % {"name": parts[0].name, "share": share}
    yield from _peak(history)
    change = Comparison(history).total
    if change.percent is not None:
        yield _change(history, change.percent)


def _peak(history: History) -> Iterator[str]:
    """Compare the dearest whole step with the usual one, where they differ notably."""
    granularity = history.question.granularity
    steps = [
        step
        for step in history.steps
        if step.coverage.is_whole and is_whole_step(step.period, granularity) and step.cost
    ]
    if len(steps) < 3:
        return
    costs = sorted(step.cost for step in steps)
    usual, dearest = costs[len(costs) // 2], max(steps, key=lambda step: step.cost)
    facts = {
        "usual": show_money(usual, history.currency, places=0),
        "most": show_money(dearest.cost, history.currency, places=0),
        "step": _step_name(history, dearest),
    }
    even = {
        Granularity.DAY: _("A day usually costs about %(usual)s."),
        Granularity.WEEK: _("A week usually costs about %(usual)s."),
        Granularity.MONTH: _("A month usually costs about %(usual)s."),
    }
    uneven = {
        Granularity.DAY: _("A day usually costs about %(usual)s; the dearest, %(step)s, %(most)s."),
        Granularity.WEEK: _("A week usually costs about %(usual)s; the dearest, %(step)s, %(most)s."),
        Granularity.MONTH: _("A month usually costs about %(usual)s; the dearest, %(step)s, %(most)s."),
    }
    stands_out = dearest.cost > usual * _STANDS_OUT
    yield (uneven if stands_out else even)[Granularity(granularity)] % facts


def _change(history: History, percent: Decimal) -> str:
    shown = round_for_display(percent, 1)
    facts = {"percent": show_percent(abs(shown), places=1), "days": Comparison(history).period.length}
    if not shown:
        return _("As much as in the %(days)s days before.") % facts
    more = _("%(percent)s more than in the %(days)s days before.")
    less = _("%(percent)s less than in the %(days)s days before.")
    if Comparison(history).is_by_day:
        more = _("An average day costs %(percent)s more than in the %(days)s days before.")
        less = _("An average day costs %(percent)s less than in the %(days)s days before.")
    return (more if shown > 0 else less) % facts


def _gaps(history: History) -> Iterator[str]:
    """Name the days that are missing or can still change."""
    days: dict[str, list] = {"missing": [], "partial": [], "provisional": []}
    for day, known in history.coverage.gaps:
        if not known.has_figures:
            days["missing"].append(day)
        elif known.state in (DayState.PARTIAL, DayState.PROVISIONAL):
            days[str(known.state)].append(day)
    texts = {
        "missing": ngettext("%(days)s is not read.", "%(days)s are not read.", len(days["missing"])),
        "partial": ngettext("%(days)s is read in part.", "%(days)s are read in part.", len(days["partial"])),
        "provisional": ngettext(
            "%(days)s is provisional.", "%(days)s are provisional.", len(days["provisional"])
        ),
    }
    for kind, found in days.items():
        if found:
            yield texts[kind] % {"days": days_text(found)}
