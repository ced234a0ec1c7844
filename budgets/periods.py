"""The periods of a budget, and the steps of a period: stretches of UTC days that tile the time.

A budget repeats from its first day on: each week on the same weekday, or each month, quarter or year on the
same day of the month. In a month that has no such day a period begins on the last one, and the next on the
right day again: none shifts, and no day is lost.
"""

import calendar
import datetime as dt

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from consumption.periods import ONE_DAY, Period

WEEK = dt.timedelta(days=7)

MONTH_PARTS = (1, 8, 15, 22)
"""The days of a month on which a step of a monthly budget begins."""


class PeriodType(TextChoices):
    """How often a budget begins anew."""

    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")
    YEARLY = "yearly", _("Yearly")


_MONTHS = {PeriodType.MONTHLY: 1, PeriodType.QUARTERLY: 3, PeriodType.YEARLY: 12}


def first_day(start: dt.date, period_type: str, number: int) -> dt.date:
    """Return the first day of the period with this number, that from ``start`` on being 0.

    Raises ``OverflowError`` or ``ValueError`` beyond the calendar.
    """
    if period_type == PeriodType.WEEKLY:
        return start + number * WEEK
    passed = start.year * 12 + start.month - 1 + number * _MONTHS[PeriodType(period_type)]
    year, month = passed // 12, passed % 12 + 1
    return dt.date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def period_at(start: dt.date, period_type: str, number: int, last: dt.date | None = None) -> Period:
    """Return the period with a number, cut off after ``last``, the last day of the budget, if it has one."""
    end = first_day(start, period_type, number + 1)
    return Period(first_day(start, period_type, number), end if last is None else min(end, last + ONE_DAY))


def number_on(start: dt.date, period_type: str, day: dt.date) -> int:
    """Return the number of the period that holds a day; negative before the budget begins."""
    if period_type == PeriodType.WEEKLY:
        return (day - start).days // WEEK.days
    months = (day.year - start.year) * 12 + day.month - start.month
    number = months // _MONTHS[PeriodType(period_type)]
    return number if first_day(start, period_type, number) <= day else number - 1


def steps(period: Period, period_type: str) -> list[Period]:
    """Part a period one level finer: years and quarters by month, months at ``MONTH_PARTS``, weeks by day.

    The steps are those of the calendar; the first and the last end with the period.
    """
    begins = [day for day in period.days if day == period.first or _begins_step(day, period_type)]
    return [Period(first, end) for first, end in zip(begins, [*begins[1:], period.end], strict=True)]


def _begins_step(day: dt.date, period_type: str) -> bool:
    match period_type:
        case PeriodType.WEEKLY:
            return True
        case PeriodType.MONTHLY:
            return day.day in MONTH_PARTS
    return day.day == 1
