"""How the JSON API asks the history: the same forms and queries as the pages, reading what is not kept yet.

Unlike a page, whose figures come from what is kept alone, an answer here first reads the days that are
missing, for some seconds: a script has nobody who watches a progress bar.
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from accounts import keyring
from accounts.errors import AuthenticationRefused, InputRefused, KeyLocked, PermissionRefused
from accounts.keyring import Key
from consumption import sync
from consumption.analysispage import AnalysisPage
from consumption.asking import Asked
from consumption.documents import gaps_of
from consumption.forms import EARLIEST_DAY, ConsumptionFilter
from consumption.history import Dimension
from consumption.moment import one_moment
from consumption.periods import ONE_DAY, Period
from consumption.sync import Progress

PATIENCE_SECONDS = 20
"""How long a request reads missing days before it answers with those that are there."""

REFUSALS = (AuthenticationRefused, KeyLocked, PermissionRefused)


class Days(Schema):
    """Which days: ``to_date`` is excluded, as in OUTSCALE's own API; the last 30 days without both."""

    from_date: dt.date | None = None
    to_date: dt.date | None = Field(None, description="Excluded; today at the latest")
    region: list[str] = Field([], description="Regions of which the session holds a key; that in use if none")
    currency: str = Field("", description="Of several accounts together only those that are billed in it")
    place: list[str] = Field([], description="Accounts in regions, as 123456789012.eu-west-2, instead")
    linked: bool = Field(False, description="Also the accounts that are billed to this one")


class FilteredQuestion(Days):
    """Of what to show the history; all filters must hold."""

    period: str = Field("", description="A named period instead of dates, such as last-month")
    category: list[str] = []
    service: list[str] = []
    resource_type: list[str] = []
    subregion: list[str] = []
    account: list[str] = []
    resource: list[str] = []
    read: bool = Field(True, description="Read missing days from the cloud first, for some seconds")


class ConsumptionQuestion(FilteredQuestion):
    """What to show of the history, and how."""

    granularity: str = Field("", description="day, week (ISO) or month")
    group_by: str = Field("", description=", ".join(Dimension.values))


class CoverageOut(Schema):
    """How many days there are, and how many in each state."""

    days: int
    complete: int
    provisional: int
    partial: int
    failed: int
    unread: int


@contextmanager
def asked_for(request: HttpRequest, question: FilteredQuestion, page: AnalysisPage) -> Iterator[Asked]:
    """Hand out a question to a page, after reading what is missing of its days, at one moment.

    Raises ``InputRefused``, and the cloud's error when no day at all is there because of it.
    """
    form = form_of(request, question, page.form)
    asked = Asked(form, keyring.chosen(request), timezone.now())
    problems = []
    if question.read:
        problems = [one.problem for one in read_days(asked.keys, form, form.days) if one.problem]
    with one_moment():
        asked = Asked(form, keyring.chosen(request), timezone.now(), owner=request.user)
        asked.check_currency()
        if problems and not asked.history.coverage.with_figures:
            raise problems[0]
        yield asked


def metadata_of(asked: Asked) -> dict[str, Any]:
    """Return how much of the asked days is known, and what is missing, for ``metadata``."""
    coverage = asked.history.coverage
    return {"coverage": coverage.counts, "partial": gaps_of(coverage)}


def read_days(
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
        except REFUSALS as error:
            newest_first = sorted(days.days, reverse=True)
            return Progress(days.first, days.end, newest_first, problem=error)

    return [read(key) for key in keys]


_PAGE_FIELDS = {"from_date": "first", "to_date": "last"}


_NOT_OF_THE_PAGE = {"from_date", "to_date", "read", "again", "format"}

PageForm = TypeVar("PageForm", bound=ConsumptionFilter)


def form_of(request: HttpRequest, asked: Days, form_class: type[PageForm] = ConsumptionFilter) -> PageForm:
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
    keys = keyring.chosen(request)
    form = form_class(data, today=timezone.now().date(), regions=keys.regions, places=keys.places)
    if not form.is_valid():
        names = {shown: name for name, shown in _PAGE_FIELDS.items()}
        raise InputRefused({names.get(field, field): texts for field, texts in form.errors.items()})
    return form
