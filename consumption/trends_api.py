"""The JSON API of the trends."""

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.envelope import Envelope, answer
from consumption.api import UnpricedOut
from consumption.apiquestions import ConsumptionQuestion, CoverageOut, asked_for, metadata_of
from consumption.trendsdocuments import document_of
from consumption.trendspage import TRENDS

router = Router(tags=["Consumption"])


class DaysOut(Schema):
    """A step, or other days; ``to_date`` is excluded."""

    from_date: dt.date
    to_date: dt.date


class TrendPeriodOut(DaysOut):
    """A step. What is not known is null, which is not zero.

    ``growth`` is that of its average day against the step before, in percent, as months differ in length;
    ``cost_growth`` is that of its cost.
    ``is_whole``: it is no part of a week or month, and every day has all its figures; else it is compared
    with nothing. ``unpriced_lines`` are in no figure.
    """

    cost: str | None
    average_day: str | None
    moving_average: str | None
    growth: str | None
    cost_growth: str | None
    is_whole: bool
    unpriced_lines: int
    coverage: CoverageOut


class EarlierOut(DaysOut):
    """An earlier time that the last whole step, ``compared``, is compared with.

    ``kind`` is ``average`` (of the whole ``steps`` before), or the same step a ``week``, ``month`` or
    ``year`` before: of weeks 1, 4 and 52 weeks. ``growth`` is that of the average day since then, in percent.
    """

    kind: str
    steps: int
    cost: str | None
    average_day: str | None
    currency: str | None
    lacks_prices: bool
    change_per_day: str | None
    growth: str | None


class MoverOut(Schema):
    """A group whose average day changed most from the step before to the last whole one.

    ``change`` is ``after`` less ``before``. ``lacks_prices``: some of its lines have no price.
    """

    key: str
    before: str
    after: str
    change: str
    change_per_day: str
    growth: str | None
    lacks_prices: bool


class TrendsOut(DaysOut):
    """Where the cost is going.

    ``growth_rate`` is the compound growth per step, in percent, that leads from the average day of the whole
    step ``growth_from`` to that of ``growth_to`` (of days, one of the same weekday). ``slope_per_day`` is by
    how much an average day changes per step along the line through all whole steps: the median of all pairs;
    ``slope_percent`` is its part of the average day. ``average`` is the mean cost of a whole step. ``movers``
    is null while the step before the last whole one is not wholly read.
    """

    granularity: str
    group_by: str
    currency: str | None
    total: str | None
    periods: list[TrendPeriodOut]
    growth_rate: str | None
    growth_from: DaysOut | None
    growth_to: DaysOut | None
    slope_per_day: str | None
    slope_percent: str | None
    average: str | None
    moving_average_steps: int
    compared: DaysOut | None
    comparisons: list[EarlierOut]
    movers_before: DaysOut | None
    movers_after: DaysOut | None
    movers: list[MoverOut] | None
    movers_unknown: int = Field(description="Groups left out: no line has a price in one of the steps")
    movers_unclear: int = Field(description="Groups left out: the length of the steps may explain the change")
    unpriced: list[UnpricedOut]


@router.get("", response=Envelope[TrendsOut])
def trends(request: HttpRequest, question: Query[ConsumptionQuestion]) -> Any:
    """Tell where the cost is going: the last twelve months, by month, when nothing else is asked.

    Days that are missing are read first, for some seconds; ``metadata.partial`` lists those that still are.
    """
    with asked_for(request, question, TRENDS) as asked:
        return answer(document_of(TRENDS.answer(asked)), **metadata_of(asked))
