"""The JSON API of the anomalies: which days left what was expected, why, and which are known."""

import datetime as dt
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from accounts.envelope import Envelope, answer
from accounts.errors import InputRefused
from consumption.anomaliespage import ANOMALIES
from consumption.anomalyfiles import document_of, mark_document
from consumption.anomalyfindings import Findings, Found
from consumption.anomalyforms import NoteForm
from consumption.apiquestions import FilteredQuestion, asked_for, metadata_of

router = Router(tags=["Anomalies"])


class AnomaliesQuestion(FilteredQuestion):
    """Of what to look for anomalies, day by day; of the last 365 days without dates."""

    state: str = Field("", description="open or expected; all without it")


class SplitOut(Schema):
    """A difference by what happened: new, gone, more or less of what was there, at another unit price."""

    new: str
    gone: str
    quantity: str
    unit_price: str


class CausingResourceOut(Schema):
    """What a resource has to do with it; ``happened`` as for a cause."""

    resource_id: str
    happened: str
    expected: str
    actual: str
    excess: str


class OtherResourcesOut(Schema):
    """The resources that changed and are not named, and what they come to."""

    resources: int
    excess: str


class OtherTypesOut(Schema):
    """The types that are not named, and what they come to."""

    types: int
    excess: str


class CauseOut(Schema):
    """A type; ``happened`` is new, gone, more, less, dearer or cheaper. Its parts add up to its excess."""

    key: str
    happened: str
    expected: str
    actual: str
    excess: str
    split: SplitOut
    resources: list[CausingResourceOut]
    others: OtherResourcesOut
    without_resource: str


class MarkOut(Schema):
    """Whether an anomaly is ``open`` or ``expected``, and what was said of it."""

    id: str
    state: str
    note: str


class AnomalyOut(MarkOut):
    """Days that cost more or less than expected; ``kind`` is spike, lasting or ongoing.

    ``causes`` is null for all but the newest 50. Causes and ``others`` add up to the excess.
    """

    from_date: dt.date
    to_date: dt.date
    kind: str
    expected: str
    actual: str
    excess: str
    excess_percent: str | None
    compared_with: list[dt.date]
    causes: list[CauseOut] | None
    others: OtherTypesOut | None


class DayOut(Schema):
    """A day: ``verdict`` is usual, anomalous, unknown, too_early or still_grows."""

    date: dt.date
    verdict: str
    cost: str | None
    expected: str | None
    low: str | None
    high: str | None


class AnomaliesOut(Schema):
    """What was found, newest first; ``to_date`` is excluded."""

    from_date: dt.date
    to_date: dt.date
    currency: str | None
    anomalies: list[AnomalyOut]
    days_judged: int
    days: list[DayOut]


class MarkIn(Schema):
    """Which anomaly is expected: its ``id``, and a note."""

    id: str
    note: str = ""


@router.get("", response=Envelope[AnomaliesOut])
def anomalies(request: HttpRequest, question: Query[AnomaliesQuestion]) -> Any:
    """Tell which days cost more or less than expected, and which meters and resources explain it.

    Days that are missing are read first, for some seconds; ``metadata.partial`` lists those that still are.
    """
    with asked_for(request, question, ANOMALIES) as asked:
        return answer(document_of(ANOMALIES.answer(asked)), **metadata_of(asked))


@router.post("/expected", response=Envelope[MarkOut])
def mark(request: HttpRequest, question: Query[AnomaliesQuestion], named: MarkIn) -> Any:
    """Mark an anomaly of this question as expected."""
    form = NoteForm({"note": named.note})
    if not form.is_valid():
        raise InputRefused(form.errors)
    findings, found = _found(request, question, named.id)
    mark = findings.scope.mark(found.anomaly, form.cleaned_data["note"])
    return answer(mark_document(Found(found.anomaly, mark)))


@router.delete("/expected", response=Envelope[MarkOut])
def unmark(request: HttpRequest, question: Query[AnomaliesQuestion], id: str) -> Any:  # noqa: A002
    """Take the mark of an anomaly of this question back."""
    findings, found = _found(request, question, id)
    findings.scope.unmark(found.anomaly)
    return answer(mark_document(Found(found.anomaly, None)))


def _found(request: HttpRequest, question: AnomaliesQuestion, key: str) -> tuple[Findings, Found]:
    """Return an anomaly of what is kept for a question; raise ``Http404`` when there is none."""
    kept = question.model_copy(update={"read": False})  # who names an anomaly has seen it
    with asked_for(request, kept, ANOMALIES) as asked:
        findings = ANOMALIES.answer(asked)
        found = findings.of(key)
    if found is None:
        raise Http404
    return findings, found
