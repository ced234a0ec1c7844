"""Sums that are remembered are those that are found, until a day is read again."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from consumption.history import Dimension, Question, history_of
from consumption.knowndays import KnownDays
from consumption.models import Meter
from consumption.periods import Granularity, Period
from tests.consumption.days import LATER, day, entry, keep, make_ledger

pytestmark = pytest.mark.django_db

MARCH = Period(day(1), day(1, 4))


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


@pytest.fixture
def ledgers():
    found = [make_ledger(), make_ledger(region="us-west-1")]
    for number, ledger in enumerate(found, 1):
        lines = [
            entry(price=f"{number}.5"),
            entry("BoxUsage:x", price="2", category="compute", resource="i-1"),
            entry("Unknown", price=None, category="compute", service="Other", operation="Other"),
        ]
        keep(ledger, {day(place): lines for place in range(1, 20 + number)})
    return found


def answers(history):
    """Return all that is added up by meter for a question."""
    return (
        history.total,
        [(step.period, step.cost) for step in history.steps],
        list(history.groups),
        list(history.step_costs_with_part([Meter.objects.order_by("pk").first().pk])),
        history.unpriced,
        history.unpriced_by_step,
        history.meters,
        history.about(Period(day(20), day(25))).total,
    )


@pytest.mark.parametrize("group_by", [Dimension.CATEGORY, Dimension.REGION, Dimension.RESOURCE])
@pytest.mark.parametrize(
    "facts", [{}, {"filters": {"category": frozenset({"compute"})}}, {"with_linked": True}]
)
def test_what_is_remembered_is_what_is_found(ledgers, group_by, facts):
    question = Question(period=MARCH, granularity=Granularity.DAY, group_by=group_by, **facts)
    found = answers(history_of(ledgers, question, expected=2))
    for _time in range(2):
        assert answers(history_of(ledgers, question, expected=2, known=KnownDays(ledgers))) == found
    alone = answers(history_of(ledgers[:1], question, known=KnownDays(ledgers)))
    assert alone == answers(history_of(ledgers[:1], question)) != found


def test_a_day_that_is_read_again_is_added_again_and_nothing_else_asks_the_database_twice(ledgers):
    question = Question(period=MARCH, granularity=Granularity.DAY, group_by=Dimension.TYPE)
    before = history_of(ledgers, question, known=KnownDays(ledgers)).total
    with CaptureQueriesContext(connection) as queries:
        assert history_of(ledgers, question, known=KnownDays(ledgers)).total == before
    assert not [one for one in queries.captured_queries if "SUM(" in one["sql"] or '_usage"' in one["sql"]]
    keep(ledgers[0], {day(3): [entry(price="100")]}, at=LATER + dt.timedelta(seconds=1))
    again = history_of(ledgers, question, known=KnownDays(ledgers))
    assert again.total == history_of(ledgers, question).total != before
