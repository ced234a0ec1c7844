import threading
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from costs import freshness
from quotes import api, editing, lifecycle
from quotes.models import Quote, QuoteGroup
from quotes.schemas import ItemChange, QuoteIn
from tests.quotes.factories import NOW, make_item, make_owner, make_quote, minutes, set_terms

pytestmark = pytest.mark.django_db


def statuses(owner):
    return {quote.name: quote.status for quote in Quote.objects.owned_by(owner)}


def test_a_new_quote_is_active_and_the_one_before_becomes_saved():
    owner = make_owner()
    make_quote(owner=owner, name="first")
    make_quote(owner=owner, name="second", at=minutes(1))
    assert statuses(owner) == {"first": "saved", "second": "active"}


def test_saving_the_active_quote_leaves_none_active():
    quote = make_quote()
    lifecycle.save(quote=quote, at=minutes(1))
    assert statuses(quote.owner) == {"Plan": "saved"}
    assert Quote.objects.get().updated_at == minutes(1)


def test_saving_a_saved_quote_changes_nothing():
    quote = make_quote()
    lifecycle.save(quote=quote, at=minutes(1))
    lifecycle.save(quote=quote, at=minutes(2))
    assert Quote.objects.get().updated_at == minutes(1)


def test_loading_a_saved_quote_saves_the_active_one():
    owner = make_owner()
    first = make_quote(owner=owner, name="first")
    make_quote(owner=owner, name="second", at=minutes(1))
    lifecycle.load(quote=first, at=minutes(2))
    assert statuses(owner) == {"first": "active", "second": "saved"}


def test_deleting_the_active_quote_loads_the_most_recently_changed_saved_one():
    owner = make_owner()
    old = make_quote(owner=owner, name="old")
    make_quote(owner=owner, name="recent", at=minutes(1))
    active = make_quote(owner=owner, name="active", at=minutes(2))
    lifecycle.load(quote=old, at=minutes(3))
    lifecycle.load(quote=active, at=minutes(4))
    replacement = lifecycle.delete(quote=active, at=minutes(5))
    assert replacement.name == "old"
    assert statuses(owner) == {"old": "active", "recent": "saved"}


def test_deleting_the_only_quote_makes_a_new_empty_one():
    quote = make_quote(items=2)
    replacement = lifecycle.delete(quote=quote, at=minutes(1))
    assert replacement.is_active
    assert replacement.items.count() == 0
    assert statuses(replacement.owner) == {"New quote": "active"}


def test_deleting_a_saved_quote_replaces_nothing():
    owner = make_owner()
    saved = make_quote(owner=owner, name="saved")
    make_quote(owner=owner, name="active", at=minutes(1))
    assert lifecycle.delete(quote=saved, at=minutes(2)) is None
    assert statuses(owner) == {"active": "active"}


def test_the_quotes_of_one_owner_leave_those_of_another_alone():
    mine, theirs = make_quote(owner=make_owner("1")), make_quote(owner=make_owner("2"))
    lifecycle.delete(quote=mine, at=minutes(1))
    theirs.refresh_from_db()
    assert theirs.is_active


def test_the_database_refuses_two_active_quotes_of_one_owner():
    quote = make_quote()
    with pytest.raises(IntegrityError), transaction.atomic():
        Quote.objects.create(owner=quote.owner, name="x", status="active", created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"status": "archived"},
        {"duration": 0},
        {"duration_unit": "decades"},
        {"commitment_period": "2years"},
        {"global_discount_percent": -1},
        {"global_discount_percent": 101},
    ],
)
def test_the_database_refuses_a_quote_that_makes_no_sense(wrong):
    quote = make_quote()
    with pytest.raises(IntegrityError), transaction.atomic():
        Quote.objects.filter(pk=quote.pk).update(**wrong)


@pytest.mark.parametrize("wrong", [{"quantity": 0}, {"resource_type": "ship"}, {"region": ""}])
def test_the_database_refuses_an_item_that_makes_no_sense(wrong):
    item = make_item(make_quote())
    with pytest.raises(IntegrityError), transaction.atomic():
        type(item).objects.filter(pk=item.pk).update(**wrong)


def test_what_is_new_stands_last_even_after_a_removal():
    quote = make_quote()
    items = [make_item(quote) for _ in range(3)]
    editing.remove_item(item=items[0], at=NOW)
    assert make_item(quote).display_order == 3
    groups = [editing.add_group(quote=quote, name=name, at=NOW) for name in "ab"]
    editing.remove_group(group=groups[0], at=NOW)
    assert editing.add_group(quote=quote, name="c", at=NOW).display_order == 2


def test_what_was_removed_meanwhile_is_said_to_be_gone():
    quote = make_quote()
    group = editing.add_group(quote=quote, name="Front", at=NOW)
    item = make_item(quote, group=group)
    QuoteGroup.objects.all().delete()
    for change in (
        lambda: make_item(quote, group=group),
        lambda: editing.fold_group(group=group, collapsed=True),
        lambda: editing.rename_group(group=group, name="x", at=NOW),
    ):
        with pytest.raises(QuoteGroup.DoesNotExist), transaction.atomic():
            change()
    Quote.objects.all().delete()
    for change in (
        lambda: lifecycle.rename(quote=quote, name="x", at=NOW),
        lambda: lifecycle.delete(quote=quote, at=NOW),
        lambda: set_terms(quote),
        lambda: editing.remove_item(item=item, at=NOW),
    ):
        with pytest.raises(Quote.DoesNotExist), transaction.atomic():
            change()


def at_once(*works):
    """Run each work in a thread with a connection of its own, all released together; return their errors."""
    start, errors = threading.Barrier(len(works)), []

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return errors


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_leave_one_active_quote():
    owner = make_owner()
    makers = [lambda name=name: lifecycle.create(owner=owner, name=name, at=NOW) for name in "abcdefgh"]
    assert at_once(*makers) == []
    assert sorted(statuses(owner).values()) == ["active"] + ["saved"] * 7


@pytest.mark.django_db(transaction=True)
def test_loading_two_quotes_at_once_leaves_one_active():
    owner = make_owner()
    quotes = [make_quote(owner=owner, name=name) for name in "abcd"]
    loads = [lambda quote=quote: lifecycle.load(quote=quote, at=NOW) for quote in quotes]
    assert at_once(*loads) == []
    assert sorted(statuses(owner).values()) == ["active", "saved", "saved", "saved"]


@pytest.mark.django_db(transaction=True)
def test_deleting_and_making_at_once_leaves_one_active_quote():
    owner = make_owner()
    quote = make_quote(owner=owner, name="going")
    errors = at_once(
        lambda: lifecycle.delete(quote=quote, at=NOW),
        lambda: lifecycle.create(owner=owner, name="coming", at=NOW),
    )
    assert errors == []
    assert list(statuses(owner).values()).count("active") == 1
    assert "going" not in statuses(owner)


@pytest.mark.django_db(transaction=True)
def test_changing_and_loading_two_quotes_at_once_never_deadlocks(settings):
    owner = make_owner()
    quotes = [make_quote(owner=owner, name=name) for name in "ab"]

    def change(quote):
        for number in range(10):
            put(quote, QuoteIn(name=f"{quote.name} {number}", status="active"))

    assert at_once(*[partial(change, quote) for quote in quotes * 2]) == []
    assert list(statuses(owner).values()).count("active") == 1


@pytest.mark.django_db(transaction=True)
def test_two_changes_of_different_fields_at_once_are_both_kept():
    quote = make_quote()
    for number in range(1, 6):
        errors = at_once(
            lambda number=number: put(quote, QuoteIn(duration=number)),
            lambda number=number: put(quote, QuoteIn(global_discount_percent=number)),
        )
        assert errors == []
        quote.refresh_from_db()
        assert (quote.duration, quote.global_discount_percent) == (number, number)


@pytest.mark.django_db(transaction=True)
def test_two_changes_of_one_item_at_once_are_both_kept(outscale):
    freshness.up_to_date("eu-west-2", timezone.now())
    quote = make_quote()
    item = make_item(quote)
    for number in range(2, 7):
        vm = {"vm_type": f"tinav6.c{number}r8p2", "product_codes": ["0001"], "tenancy": "default"}
        errors = at_once(
            lambda number=number: put_item(item, ItemChange(quantity=number)),
            lambda vm=vm: put_item(item, ItemChange(parameters=vm)),
        )
        assert errors == []
        item.refresh_from_db()
        assert (item.quantity, item.parameters) == (number, vm)


def put(quote, given):
    api.change(request_of(quote.owner), quote.pk, given)


def put_item(item, given):
    api.change_item(request_of(item.quote.owner), item.quote_id, item.pk, given)


def request_of(user):
    request = RequestFactory().put("/")
    request.user = user
    return request


@pytest.mark.django_db(transaction=True)
def test_items_added_at_once_are_all_kept_each_in_its_own_place():
    quote = make_quote()
    errors = at_once(*[lambda: make_item(quote) for _ in range(6)])
    assert errors == []
    assert sorted(quote.items.values_list("display_order", flat=True)) == [0, 1, 2, 3, 4, 5]
