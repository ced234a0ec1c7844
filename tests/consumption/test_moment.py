"""A total and its coverage are of the same moment, whatever is kept meanwhile."""

import threading
from contextlib import suppress

import pytest
from django.db import DatabaseError, connection, transaction

from consumption.history import Question, history_of
from consumption.models import Ledger
from consumption.moment import after_the_moment, one_moment
from consumption.periods import Period
from tests.consumption.days import LATER, day, entry, keep, make_ledger

PERIOD = Period(day(1), day(5))


def elsewhere(work):
    """Do something with a connection of its own, and wait until it is done."""

    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_days_kept_meanwhile_are_in_neither_the_coverage_nor_the_total():
    ledger = make_ledger()
    keep(ledger, {day(1): [entry(price="1")]})
    with one_moment():
        before = history_of([ledger], Question(PERIOD))
        counts = before.coverage.counts
        elsewhere(lambda: keep(ledger, {day(1): [entry(price="7")], day(2): [entry(price="5")]}))
        assert (counts["complete"], before.total) == (1, 1)
        assert [group.cost for group in before.groups] == [1]
    after = history_of([ledger], Question(PERIOD))
    assert (after.coverage.counts["complete"], after.total) == (2, 12)


@pytest.mark.django_db(transaction=True)
def test_nothing_can_be_written_inside_and_everything_again_after_it():
    ledger = make_ledger()
    with pytest.raises(DatabaseError), one_moment():
        Ledger.objects.filter(pk=ledger.pk).update(is_paying=True)
    Ledger.objects.filter(pk=ledger.pk).update(is_paying=True)
    with one_moment():
        assert Ledger.objects.get().is_paying is True
    Ledger.objects.update(claimed_until=LATER)


@pytest.mark.django_db
def test_a_transaction_that_has_begun_is_left_as_it_is():
    with transaction.atomic(), one_moment():
        make_ledger()
    assert Ledger.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_the_end_of_a_moment_may_write_and_is_dropped_with_an_error():
    ledger = make_ledger()

    def note(name):
        return lambda: Ledger.objects.filter(pk=ledger.pk).update(paying_account_id=name)

    with one_moment():
        after_the_moment(note("later"))
        assert Ledger.objects.get().paying_account_id == ""
    assert Ledger.objects.get().paying_account_id == "later"
    after_the_moment(note("at once"))
    assert Ledger.objects.get().paying_account_id == "at once"
    with suppress(ZeroDivisionError), one_moment():
        after_the_moment(note("never"))
        raise ZeroDivisionError
    assert Ledger.objects.get().paying_account_id == "at once"
