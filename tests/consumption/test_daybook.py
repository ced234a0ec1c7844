"""Many questions at once: the daybook agrees with the history, question by question and day by day."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import CloudUnavailable
from consumption import keeping
from consumption.daybook import COMPLETE, FAILED, PARTIAL, PROVISIONAL, UNREAD, Choice, Daybook
from consumption.entries import CALL
from consumption.history import Dimension, Question, history_of
from consumption.models import Ledger
from consumption.moment import one_moment
from consumption.periods import Granularity, Period
from consumption.wholenumbers import amount_of
from tests.caches import QUERIES
from tests.consumption.days import LATER, day, entry, keep, make_ledger

pytestmark = pytest.mark.django_db

MARCH = Period(day(1), day(31))
STATES = {
    "unread": UNREAD,
    "failed": FAILED,
    "partial": PARTIAL,
    "provisional": PROVISIONAL,
    "complete": COMPLETE,
}
CATEGORIES = {"compute": "TinaOS-FCU", "storage": "TinaOS-FCU", "network": "TinaOS-OOS"}


def drawn(seed):
    """Keep a month of two regions: linked accounts, unpriced lines, failed days, days read in part."""
    chance = random.Random(seed)
    for region in ("eu-west-2", "cloudgouv-eu-west-1"):
        ledger = make_ledger(region=region)
        for one in MARCH.days:
            match chance.choice(["unread", "failed", *["kept"] * 6]):
                case "failed":
                    keeping.note_failure(ledger, one, CloudUnavailable(CALL), at=LATER)
                case "kept":
                    lines = [
                        entry(
                            f"Meter{category}",
                            chance.choice([None, "0", str(Decimal(chance.randrange(1, 10**8)).scaleb(-5))]),
                            category=category,
                            service=CATEGORIES[category],
                            resource=f"r-{number}",
                            account_id=chance.choice(["", "200000000002"]) or None,
                        )
                        for number, category in enumerate(CATEGORIES)
                    ]
                    keep(
                        ledger,
                        {one: lines},
                        unreadable=chance.choice([0, 0, 0, 1]),
                        with_linked=chance.choice([True, False]),
                        at=chance.choice([LATER, dt.datetime.combine(one, dt.time(23), dt.UTC)]),
                    )
    return list(Ledger.objects.order_by("pk"))


QUESTIONS = [
    {},
    {"categories": {"compute"}},
    {"categories": {"compute", "storage"}, "services": {"TinaOS-FCU"}},
    {"services": {"TinaOS-OOS"}},
    {"with_linked": True},
    {"with_linked": True, "accounts": {"200000000002"}},
    {"categories": {"nothing"}},
]


@pytest.mark.parametrize("seed", range(3))
def test_each_question_is_answered_as_the_history_answers_it(seed):
    ledgers = drawn(seed)
    book = Daybook(ledgers, MARCH)
    for chosen in ([0], [1], [0, 1]):
        some = [ledgers[place] for place in chosen]
        for facts in QUESTIONS:
            lists = {name: frozenset(values) for name, values in facts.items() if name != "with_linked"}
            linked = facts.get("with_linked", False)
            pks = frozenset(one.pk for one in some)
            series = book.series(Choice(pks, "EUR", with_linked=pks if linked else frozenset(), **lists))
            filters = {
                Dimension.CATEGORY: lists.get("categories"),
                Dimension.SERVICE: lists.get("services"),
                Dimension.ACCOUNT: lists.get("accounts"),
            }
            question = Question(
                MARCH,
                Granularity.DAY,
                filters={name: values for name, values in filters.items() if values},
                with_linked=linked,
            )
            history = history_of(some, question, expected=len(some))
            assert [amount_of(int(cost)) for cost in series.costs] == [
                step.cost or 0 for step in history.steps
            ]
            assert [int(lines) for lines in series.unpriced] == history.unpriced_by_step
            expected = [STATES[str(history.coverage.on(one).state)] for one in MARCH.days]
            # Not read in one region and failed in the other is the same: there are no figures.
            assert [max(one, FAILED) for one in series.states] == [max(one, FAILED) for one in expected]


def test_the_queries_do_not_grow_with_what_is_kept_or_asked():
    counts = []
    for seed in (1, 2):
        ledgers = drawn(seed)
        Daybook(ledgers, MARCH)  # which remembers the month
        with CaptureQueriesContext(connection) as queries:
            book = Daybook(ledgers, MARCH)
            for one in ledgers * seed:
                book.series(Choice(frozenset([one.pk]), "EUR"))
        counts.append(len(queries))
    assert counts == [2 + QUERIES] * 2


def test_a_day_that_was_read_again_is_looked_up_again():
    ledger, first = make_ledger(), Period(day(1), day(2))
    for number, price in enumerate(("1", "2", "2.5")):
        keep(ledger, {day(1): [entry(price=price)]}, at=LATER + dt.timedelta(seconds=number))
        series = Daybook([ledger], first).series(Choice(frozenset([ledger.pk]), "EUR"))
        assert amount_of(series.spent(first)) == Decimal(price)


@pytest.mark.django_db(transaction=True)
def test_remembered_days_can_be_asked_for_in_one_moment_after_they_have_expired(monkeypatch):
    cache.clear()
    ledger, first, now = make_ledger(), Period(day(1), day(2)), timezone.now()
    keep(ledger, {day(1): [entry(price="2")]})
    for later in (now, now + dt.timedelta(days=8, hours=1)):
        monkeypatch.setattr("django.utils.timezone.now", lambda later=later: later)
        monkeypatch.setattr("django.core.cache.backends.db.tz_now", lambda later=later: later)
        with one_moment():  # in which an expired entry that is found cannot be deleted
            series = Daybook([ledger], first).series(Choice(frozenset([ledger.pk]), "EUR"))
        assert amount_of(series.spent(first)) == 2


def test_sums_of_a_part_are_those_of_its_days():
    book = Daybook(drawn(5), MARCH)
    series = book.series(Choice(frozenset(book.ledgers), "EUR"))
    part = Period(day(5), day(20))
    assert series.spent(part) == sum(series.costs[4:19].tolist())
    assert series.unpriced_lines(part) == sum(series.unpriced[4:19].tolist())
    for state in STATES.values():
        assert series.days_in(part, state) == series.states[4:19].tolist().count(state)
    assert series.spent(Period(day(1, 1), day(1, 12))) == sum(series.costs.tolist())
    assert series.spent(Period(day(1, 5), day(1, 6))) == 0


def test_a_day_billed_in_another_currency_has_no_figures_in_this_one():
    ledger = make_ledger()
    keep(ledger, {day(1): [entry(price="2")], day(2): [entry(price="3")]})
    keep(ledger, {day(3): [entry(price="4")]}, currency="USD")
    book = Daybook([ledger], Period(day(1), day(4)))
    assert book.currencies(ledger.pk) == {"EUR", "USD"}
    euros, dollars = (book.series(Choice(frozenset([ledger.pk]), name)) for name in ("EUR", "USD"))
    assert [amount_of(int(one)) for one in euros.costs] == [2, 3, 0]
    assert euros.states.tolist() == [COMPLETE, COMPLETE, FAILED]
    assert [amount_of(int(one)) for one in dollars.costs] == [0, 0, 4]
    assert dollars.states.tolist() == [FAILED, FAILED, COMPLETE]


def test_what_belongs_to_the_question_and_is_not_in_the_book_makes_every_day_partial():
    ledger = make_ledger()
    keep(ledger, {day(1): [entry(price="2")]})
    series = Daybook([ledger], Period(day(1), day(3))).series(Choice(frozenset([ledger.pk]), "EUR", unseen=1))
    assert series.states.tolist() == [PARTIAL, UNREAD]


def test_costs_that_exceed_a_machine_word_still_add_exactly():
    ledger = make_ledger()
    large = "900000000.0000000001"
    keep(ledger, {day(number): [entry(price=large)] for number in range(1, 4)})
    series = Daybook([ledger], Period(day(1), day(4))).series(Choice(frozenset([ledger.pk]), "EUR"))
    assert amount_of(series.spent(Period(day(1), day(4)))) == 3 * Decimal(large)


def test_what_is_billed_by_the_month_is_told_apart():
    ledger = make_ledger()
    volume = entry("BSU:VolumeUsage:gp2", "7", operation="CreateVolume", category="storage")
    keep(ledger, {day(1): [entry(price="2"), volume]})
    series = Daybook([ledger], Period(day(1), day(2))).series(Choice(frozenset([ledger.pk]), "EUR"))
    assert [amount_of(int(series.costs[0])), amount_of(int(series.by_month[0]))] == [9, 7]
