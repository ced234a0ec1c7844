"""The JSON API of the history: what was consumed, as JSON and as files, and the reading of its days."""

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from accounts import keyring
from accounts.envelope import Envelope, answer
from accounts.errors import CloudError, InputRefused
from accounts.keyring import Key
from consumption.access import access_of
from consumption.apiquestions import (
    REFUSALS,
    ConsumptionQuestion,
    CoverageOut,
    Days,
    asked_for,
    form_of,
    metadata_of,
    read_days,
)
from consumption.asking import Asked
from consumption.documents import document_of
from consumption.export_views import file_of, focus_file, focus_month
from consumption.files import FORMATS
from consumption.focus import FocusMonth
from consumption.focusforms import FocusFilter
from consumption.forms import ConsumptionFilter
from consumption.historypage import HISTORY
from consumption.periods import Period, months_later
from consumption.sync import Progress
from costs.refreshing import ReadingGoesOn

FOCUS = "focus"

router = Router(tags=["Consumption"])


class FileQuestion(ConsumptionQuestion):
    """What to show of the history, as which file."""

    format: str = Field("csv", description=", ".join([*FORMATS, FOCUS]))
    month: str = Field("", description="Of a FOCUS file: 2026-10; that of the last day if none")
    without_unpriced: bool = Field(False, description="FOCUS: leave out what has no price")


class PeriodOut(Schema):
    """A step; ``cost`` is null when none of its days was read, which is not zero."""

    from_date: dt.date
    to_date: dt.date
    cost: str | None
    coverage: CoverageOut


class GroupOut(Schema):
    """One value of the grouping. ``cost_before`` is null while the period before is not wholly read."""

    key: str
    cost: str
    share: str | None
    cost_before: str | None
    unpriced_lines: int
    periods: list[str | None]


class UnpricedOut(Schema):
    """What was consumed and has no price; it is in no total."""

    service: str
    type: str
    operation: str
    value: str
    lines: int


class ConsumptionOut(Schema):
    """What was consumed; ``to_date`` is excluded, ``total`` is null when no day was read."""

    from_date: dt.date
    to_date: dt.date
    granularity: str
    group_by: str
    currency: str | None
    total: str | None
    total_before: str | None
    periods: list[PeriodOut]
    groups: list[GroupOut]
    unpriced: list[UnpricedOut]


class SyncIn(Days):
    """Which days to read; those that are kept and final are not read again."""

    again: bool = Field(False, description="Also ask at once for days that failed a moment ago")


class ProblemOut(Schema):
    """Why reading ended before all days were there."""

    code: str
    message: str
    retry_after: int | None


class ProgressOut(Schema):
    """How far the days of an account in a region are.

    Ask again while ``goes_on``, after ``goes_on_after`` seconds.
    """

    account_id: str
    region: str
    from_date: dt.date
    to_date: dt.date
    days: int
    done: int
    left: list[dt.date]
    read: list[dt.date]
    seconds_left: int | None
    goes_on: bool
    goes_on_after: int
    problem: ProblemOut | None


@router.get("", response=Envelope[ConsumptionOut])
def consumption(request: HttpRequest, question: Query[ConsumptionQuestion]) -> Any:
    """Tell what was consumed, from the kept history; ``metadata.coverage`` says how much of it is there.

    Days that are missing are read first, for some seconds; ``metadata.partial`` lists those that still are.
    """
    with asked_for(request, question, HISTORY) as asked:
        return answer(document_of(HISTORY.answer(asked)), **metadata_of(asked))


@router.get("/export")
def export(request: HttpRequest, question: Query[FileQuestion]) -> HttpResponseBase:
    """Send the history as a file, after reading what is missing of it; ``focus`` is a month as FOCUS 1.2."""
    if question.format == FOCUS:
        return focus_file(_focus_month(request, question))
    if question.format not in FORMATS:
        problem = _("There is no format “%(name)s”; there are %(all)s.")
        known = ", ".join([*FORMATS, FOCUS])
        raise InputRefused({"format": [problem % {"name": question.format[:50], "all": known}]})
    with asked_for(request, question, HISTORY) as asked:
        return file_of(HISTORY, asked, question.format)


@router.post("/sync", response=Envelope[list[ProgressOut]])
def sync_days(request: HttpRequest, asked: SyncIn) -> Any:
    """Read days of the consumption for some seconds, and tell how far it is, region by region."""
    form = form_of(request, asked)
    keys = _asked(request, form).keys
    progress = read_days(keys, form, form.days, again=asked.again)
    refusals = [one.problem for one in progress if isinstance(one.problem, REFUSALS)]
    if len(refusals) == len(keys):
        raise refusals[0]
    return answer([_progress(key, one) for key, one in zip(keys, progress, strict=True)])


def _focus_month(request: HttpRequest, question: FileQuestion) -> FocusMonth:
    """Return the month that is asked for, after reading what is missing of it."""
    form = form_of(request, question, FocusFilter)
    keys = _asked(request, form).keys
    end = min(months_later(form.asked_month, 1), timezone.now().date())
    progress = read_days(keys, form, Period(form.asked_month, end)) if question.read else []
    seen = access_of(keys, timezone.now())
    if not seen.is_proven:
        raise next((one.problem for one in progress if one.problem), ReadingGoesOn())
    return focus_month(form, seen)


def _asked(request: HttpRequest, form: ConsumptionFilter) -> Asked:
    """Return a valid form as the session asks it; raise ``CurrencyUnknown``."""
    asked = Asked(form, keyring.chosen(request), timezone.now())
    asked.check_currency()
    return asked


def _progress(key: Key, progress: Progress) -> dict[str, Any]:
    period, problem = Period(progress.first, progress.end), progress.problem
    return {
        "account_id": key.account_id,
        "region": key.region,
        "from_date": period.first,
        "to_date": period.end,
        "days": progress.total,
        "done": progress.done,
        "left": progress.left,
        "read": progress.read,
        "seconds_left": progress.seconds_left,
        "goes_on": progress.goes_on,
        "goes_on_after": progress.goes_on_after,
        "problem": _problem(problem) if problem else None,
    }


def _problem(error: CloudError) -> dict[str, Any]:
    return {"code": error.code, "message": str(error.message), "retry_after": error.retry_after}
