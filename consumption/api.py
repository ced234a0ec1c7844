"""The JSON API of the history: the same form and query as the page, and reading what is not kept yet.

Unlike the page, whose figures come from what is kept alone, an answer here first reads the days that are
missing, for some seconds: a script has nobody who watches a progress bar.
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from accounts import keyring
from accounts.envelope import Envelope, answer
from accounts.errors import (
    AuthenticationRefused,
    CloudError,
    InputRefused,
    KeyLocked,
    PermissionRefused,
)
from accounts.keyring import Key
from consumption import access, sync
from consumption.documents import document_of, gaps_of
from consumption.export_views import focus_file, focus_month, history_file
from consumption.files import FORMATS
from consumption.focus import FocusMonth
from consumption.focusforms import FocusFilter
from consumption.forms import EARLIEST_DAY, ConsumptionFilter
from consumption.history import Dimension, History, history_of
from consumption.moment import one_moment
from consumption.periods import ONE_DAY, Period, months_later
from consumption.sync import Progress
from costs.refreshing import ReadingGoesOn

PATIENCE_SECONDS = 20
"""How long a request reads missing days before it answers with those that are there."""

FOCUS = "focus"
_REFUSALS = (AuthenticationRefused, KeyLocked, PermissionRefused)

router = Router(tags=["Consumption"])


class Days(Schema):
    """Which days: ``to_date`` is excluded, as in OUTSCALE's own API; the last 30 days without both."""

    from_date: dt.date | None = None
    to_date: dt.date | None = Field(None, description="Excluded; today at the latest")
    region: list[str] = Field([], description="Regions of which the session holds a key; that in use if none")
    linked: bool = Field(False, description="Also the accounts that are billed to this one")


class ConsumptionQuestion(Days):
    """What to show of the history; all filters must hold."""

    period: str = Field("", description="A named period instead of dates, such as last-month")
    granularity: str = Field("", description="day, week (ISO) or month")
    group_by: str = Field("", description=", ".join(Dimension.values))
    category: list[str] = []
    service: list[str] = []
    resource_type: list[str] = []
    subregion: list[str] = []
    account: list[str] = []
    resource: list[str] = []
    read: bool = Field(True, description="Read missing days from the cloud first, for some seconds")


class FileQuestion(ConsumptionQuestion):
    """What to show of the history, as which file."""

    format: str = Field("csv", description=", ".join([*FORMATS, FOCUS]))
    month: str = Field("", description="Of a FOCUS file: 2026-10; that of the last day if none")
    without_unpriced: bool = Field(False, description="FOCUS: leave out what has no price")


class CoverageOut(Schema):
    """How many days there are, and how many in each state."""

    days: int
    complete: int
    provisional: int
    partial: int
    failed: int
    unread: int


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
    """How far the days of a region are. Ask again while ``goes_on``, after ``goes_on_after`` seconds."""

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
    with _history(request, question) as history:
        metadata = {"coverage": history.coverage.counts, "partial": gaps_of(history.coverage)}
        return answer(document_of(history), **metadata)


@router.get("/export")
def export(request: HttpRequest, question: Query[FileQuestion]) -> HttpResponseBase:
    """Send the history as a file, after reading what is missing of it; ``focus`` is a month as FOCUS 1.2."""
    if question.format == FOCUS:
        return focus_file(_focus_month(request, question))
    if question.format not in FORMATS:
        problem = _("There is no format “%(name)s”; there are %(all)s.")
        known = ", ".join([*FORMATS, FOCUS])
        raise InputRefused({"format": [problem % {"name": question.format[:50], "all": known}]})
    with _history(request, question) as history:
        return history_file(history, question.format)


@router.post("/sync", response=Envelope[list[ProgressOut]])
def read_days(request: HttpRequest, asked: SyncIn) -> Any:
    """Read days of the consumption for some seconds, and tell how far it is, region by region."""
    form = _form(request, asked)
    keys = access.keys_for(keyring.open(request), form.cleaned_data["region"])
    progress = _read(keys, form, form.days, again=asked.again)
    refusals = [one.problem for one in progress if isinstance(one.problem, _REFUSALS)]
    if len(refusals) == len(keys):
        raise refusals[0]
    return answer([_progress(key, one) for key, one in zip(keys, progress, strict=True)])


@contextmanager
def _history(request: HttpRequest, question: ConsumptionQuestion) -> Iterator[History]:
    """Hand out what answers a question, after reading what is missing of it.

    Raises ``InputRefused``, and the cloud's error when no day at all is there because of it.
    """
    form = _form(request, question)
    keys = access.keys_for(keyring.open(request), form.cleaned_data["region"])
    problems = []
    if question.read:
        progress = _read(keys, form, form.days)
        problems = [one.problem for one in progress if one.problem]
    with one_moment():
        seen = access.access_of(keys, timezone.now())
        history = history_of(seen.ledgers, form.question, expected=len(keys))
        if problems and not history.coverage.with_figures:
            raise problems[0]
        yield history


def _focus_month(request: HttpRequest, question: FileQuestion) -> FocusMonth:
    """Return the month that is asked for, after reading what is missing of it."""
    form = _form(request, question, FocusFilter)
    keys = access.keys_for(keyring.open(request), form.cleaned_data["region"])
    end = min(months_later(form.asked_month, 1), timezone.now().date())
    progress = _read(keys, form, Period(form.asked_month, end)) if question.read else []
    seen = access.access_of(keys, timezone.now())
    if not seen.is_proven:
        raise next((one.problem for one in progress if one.problem), ReadingGoesOn())
    return focus_month(form, seen)


def _read(
    keys: Iterable[Key], form: ConsumptionFilter, days: Period, *, again: bool = False
) -> list[Progress]:
    """Read days with each key, for some seconds together; one without time left tells how far it is."""
    until = time.monotonic() + PATIENCE_SECONDS

    def read(key: Key) -> Progress:
        try:
            return sync.read_all(
                key.gateway,
                first=days.first,
                end=days.end,
                seconds=max(0.0, until - time.monotonic()),
                with_linked=form.cleaned_data["linked"],
                again=again,
            )
        except _REFUSALS as error:
            newest_first = sorted(days.days, reverse=True)
            return Progress(days.first, days.end, newest_first, problem=error)

    return [read(key) for key in keys]


_PAGE_FIELDS = {"from_date": "first", "to_date": "last"}


_NOT_OF_THE_PAGE = {"from_date", "to_date", "read", "again", "format"}

PageForm = TypeVar("PageForm", bound=ConsumptionFilter)


def _form(request: HttpRequest, asked: Days, form_class: type[PageForm] = ConsumptionFilter) -> PageForm:
    """Return the page's form for a question, found right."""
    if asked.from_date and asked.to_date and asked.to_date <= asked.from_date:
        raise InputRefused({"to_date": [_("It is excluded, and must be after from_date.")]})
    data = QueryDict(mutable=True)
    for name, value in asked.dict(exclude=_NOT_OF_THE_PAGE).items():
        if isinstance(value, list):
            data.setlist(name, value)
        elif value:
            data[name] = str(value)
    if asked.from_date:
        data["first"] = asked.from_date.isoformat()
    if asked.to_date:
        data["last"] = (max(asked.to_date, EARLIEST_DAY) - ONE_DAY).isoformat()
    regions = {key.region for key in keyring.open(request).keys}
    form = form_class(data, today=timezone.now().date(), regions=regions)
    if not form.is_valid():
        names = {shown: name for name, shown in _PAGE_FIELDS.items()}
        raise InputRefused({names.get(field, field): texts for field, texts in form.errors.items()})
    return form


def _progress(key: Key, progress: Progress) -> dict[str, Any]:
    period, problem = Period(progress.first, progress.end), progress.problem
    return {
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
