"""Stretches of UTC days: half-open here, ``[first, end)``, inclusive on screens."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

ONE_DAY = dt.timedelta(days=1)


class Granularity(TextChoices):
    """How long a step of a series is; a week is an ISO week, from Monday on."""

    DAY = "day", _("Day")
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")


class Period(NamedTuple):
    """The days from ``first`` to ``end``, which is excluded."""

    first: dt.date
    end: dt.date

    @property
    def last(self) -> dt.date:
        """The last day, as screens show it."""
        return self.end - ONE_DAY

    @property
    def length(self) -> int:
        """How many days there are."""
        return (self.end - self.first).days

    @property
    def days(self) -> Iterator[dt.date]:
        """Each day, in order."""
        return (self.first + dt.timedelta(days=passed) for passed in range(self.length))

    @property
    def is_whole_months(self) -> bool:
        """Tell whether it begins and ends with a month."""
        return self.first.day == 1 and self.end.day == 1


def months_later(day: dt.date, months: int) -> dt.date:
    """Return the first day of the month that is ``months`` after that of ``day``; before it when negative."""
    passed = day.year * 12 + day.month - 1 + months
    return dt.date(passed // 12, passed % 12 + 1, 1)


def steps(period: Period, granularity: str) -> list[Period]:
    """Part a period into days, ISO weeks or months; the first and the last may be a part of theirs."""
    found, first = [], period.first
    while first < period.end:
        end = min(_end_of_step(first, granularity), period.end)
        found.append(Period(first, end))
        first = end
    return found


def _end_of_step(day: dt.date, granularity: str) -> dt.date:
    match granularity:
        case Granularity.WEEK:
            return day + dt.timedelta(days=7 - day.weekday())
        case Granularity.MONTH:
            return months_later(day, 1)
    return day + ONE_DAY


def before(period: Period) -> Period:
    """Return the equal period before: as many months before whole months, else as many days."""
    if period.is_whole_months:
        months = (period.end.year - period.first.year) * 12 + period.end.month - period.first.month
        return Period(months_later(period.first, -months), period.first)
    return Period(period.first - dt.timedelta(days=period.length), period.first)


class Preset(TextChoices):
    """The periods that are offered by name; all of them end with the last whole day at the latest."""

    YESTERDAY = "yesterday", _("Yesterday")
    LAST_7_DAYS = "last-7-days", _("7 days")
    LAST_30_DAYS = "last-30-days", _("30 days")
    LAST_365_DAYS = "last-365-days", _("365 days")
    MONTH_TO_DATE = "month-to-date", _("Month to date")
    LAST_MONTH = "last-month", _("Last month")
    LAST_3_MONTHS = "last-3-months", _("3 months")
    LAST_6_MONTHS = "last-6-months", _("6 months")
    LAST_12_MONTHS = "last-12-months", _("12 months")
    LAST_24_MONTHS = "last-24-months", _("24 months")
    YEAR_TO_DATE = "year-to-date", _("Year to date")


def preset_period(preset: str, today: dt.date) -> Period:
    """Return the days that a preset names, seen from the UTC day ``today``, which is never among them.

    A month or a year to date whose first day is today is the last whole one: nothing of the new one is over.
    """
    yesterday, this_month = today - ONE_DAY, months_later(today, 0)
    until_yesterday = {
        Preset.YESTERDAY: yesterday,
        Preset.LAST_7_DAYS: today - dt.timedelta(days=7),
        Preset.LAST_30_DAYS: today - dt.timedelta(days=30),
        Preset.LAST_365_DAYS: today - dt.timedelta(days=365),
        Preset.MONTH_TO_DATE: months_later(yesterday, 0),
        Preset.YEAR_TO_DATE: dt.date(yesterday.year, 1, 1),
    }
    whole_months = {
        Preset.LAST_MONTH: 1,
        Preset.LAST_3_MONTHS: 3,
        Preset.LAST_6_MONTHS: 6,
        Preset.LAST_12_MONTHS: 12,
        Preset.LAST_24_MONTHS: 24,
    }
    if preset in until_yesterday:
        return Period(until_yesterday[Preset(preset)], today)
    return Period(months_later(this_month, -whole_months[Preset(preset)]), this_month)
