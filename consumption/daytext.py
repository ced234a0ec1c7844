"""Days in the reader's words: stretches are inclusive, as people say them."""

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from consumption.periods import ONE_DAY, Granularity, Period, months_later

STRETCHES_NAMED = 6
"""How many stretches of days a sentence names before it counts the rest."""


def day_text(day: dt.date) -> str:
    """Write a day with its year: ``17 Dec 2025``."""
    return _written(day, _("j M Y"), get_language() or "")


def short_day(day: dt.date) -> str:
    """Write a day without its year: ``17 Dec``."""
    return _written(day, _("j M"), get_language() or "")


def period_text(period: Period) -> str:
    """Write a period with its years: ``18 Nov to 17 Dec 2025``, ``1 to 17 Dec 2025``, ``17 Dec 2025``."""
    first, last = period.first, period.last
    if first == last:
        return day_text(first)
    if first.year != last.year:
        return _("%(first)s to %(last)s") % {"first": day_text(first), "last": day_text(last)}
    begin = str(first.day) if first.month == last.month else short_day(first)
    return _("%(first)s to %(last)s") % {"first": begin, "last": day_text(last)}


def weekday_text(day: dt.date) -> str:
    """Write a day with its weekday: ``Wed 17 Dec 2025``."""
    return _written(day, _("D j M Y"), get_language() or "")


@lru_cache(maxsize=4096)  # two years of days stand on a page, and writing one takes a while
def _written(day: dt.date, pattern: str, _language: str) -> str:
    return date_format(day, pattern)


def step_text(step: Period, granularity: str, *, with_year: bool) -> str:
    """Write a step of a series, short enough for an axis: ``17 Dec``, ``15–21 Dec``, ``Dec 2025``."""
    if granularity == Granularity.MONTH and step.is_whole_months:
        return date_format(step.first, _("M Y"))
    end = day_text(step.last) if with_year else short_day(step.last)
    if step.length == 1:
        return end
    begin = str(step.first.day) if step.first.month == step.last.month else short_day(step.first)
    return f"{begin}–{end}"


def is_whole_step(step: Period, granularity: str) -> bool:
    """Tell whether a step is a whole week or month, and not cut off by the period around it."""
    if granularity == Granularity.WEEK:
        return step.length == 7
    if granularity == Granularity.MONTH:
        return step.first.day == 1 and step.end == months_later(step.first, 1)
    return True


def stretches(days: Iterable[dt.date]) -> list[Period]:
    """Join days, in any order, into periods without gaps."""
    found: list[Period] = []
    for day in sorted(days):
        if found and found[-1].end == day:
            found[-1] = Period(found[-1].first, day + ONE_DAY)
        else:
            found.append(Period(day, day + ONE_DAY))
    return found


def days_text(days: Iterable[dt.date]) -> str:
    """Name days, joined where they follow each other: ``2 to 5 Dec 2025, 9 Dec 2025 and 3 more``."""
    found = stretches(days)
    named = ", ".join(period_text(one) for one in found[:STRETCHES_NAMED])
    rest = sum(one.length for one in found[STRETCHES_NAMED:])
    return _("%(days)s and %(count)s more") % {"days": named, "count": rest} if rest else named
