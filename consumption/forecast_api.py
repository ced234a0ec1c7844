"""The JSON API of the forecast."""

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.envelope import Envelope, answer
from consumption.api import UnpricedOut
from consumption.apiquestions import ConsumptionQuestion, asked_for, metadata_of
from consumption.forecastfiles import document_of
from consumption.forecastforms import Horizon
from consumption.forecastpage import FORECAST

router = Router(tags=["Consumption"])


class ForecastQuestion(ConsumptionQuestion):
    """What to forecast; ``from_date``, ``to_date`` and ``period`` are the days that the models learn from.

    Without them, all kept days of the last 24 months are; ``granularity`` and ``group_by`` change nothing.
    """

    until: dt.date | None = Field(None, description="The last day, included: at most 366 days from today")
    horizon: str = Field("", description=f"Instead of until: {', '.join(Horizon.values)}")


class CandidateOut(Schema):
    """A family of models and its back-tested error, in percent of the cost; null: it says nothing here."""

    model: str
    error_percent: str | None


class PointOut(Schema):
    """A day that is not final: what is expected of it, and where that lies in 80 and in 95 % of the cases."""

    date: dt.date
    expected: str
    low_80: str
    high_80: str
    low_95: str
    high_95: str


class TrainedOut(Schema):
    """The days that the models have learnt from; ``to_date`` is excluded."""

    from_date: dt.date
    to_date: dt.date


class ForecastOut(Schema):
    """What the days from ``from_date`` until ``until`` will cost.

    ``expected_total`` is that of the final days, and of the points among these days, together. A day that is
    not final counts with what is expected of it, at least with its cost so far. ``actual_to_date`` is what
    is known so far, final or not. ``reason`` says why nothing is expected, else it is null: ``TOO_FEW_DAYS``
    to learn from, or ``UNKNOWN_DAYS``, too many past days of the period that are not known. ``left_out`` are
    spikes, which are in the sums, but not learnt from. The models were asked at ``tested_from`` days of the
    past, for ``tested_days`` each; ``naive`` repeats the last week. ``unpriced`` is what was consumed
    without a price on the period's past days and in the last four weeks: it is in no figure.
    """

    from_date: dt.date
    to_date: dt.date
    until: dt.date
    currency: str | None
    reason: str | None
    known_days: int
    needed_days: int
    unknown_days: int
    trained_on: TrainedOut | None
    left_out: list[dt.date]
    model: str | None
    error_percent: str | None
    naive_error_percent: str | None
    candidates: list[CandidateOut]
    tested_days: int
    tested_from: int
    actual_to_date: str | None
    still_to_come: str | None
    expected_total: str | None
    total_low_80: str | None
    total_high_80: str | None
    total_low_95: str | None
    total_high_95: str | None
    points: list[PointOut]
    unpriced: list[UnpricedOut]


@router.get("", response=Envelope[ForecastOut])
def forecast(request: HttpRequest, question: Query[ForecastQuestion]) -> Any:
    """Tell what a period is expected to cost: this month, unless ``until`` or ``horizon`` says otherwise.

    Days that are missing are read first, for some seconds; ``metadata.partial`` lists those that still are.
    """
    with asked_for(request, question, FORECAST) as asked:
        return answer(document_of(FORECAST.answer(asked)), **metadata_of(asked))
