import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from costs import snapshots
from costs.inventory import OBJECTS, Inventory, Missing, Volume
from costs.models import CostReading, CostSnapshot
from costs.snapshots import snapshot_of
from tests.costs.pricelists import sandbox_price_list

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
ACCOUNT, REGION = "100000000001", "eu-west-2"
REFUSED = Missing("ReadVms", "PERMISSION_REFUSED")


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    client.get("/admin/")  # the first visit writes down that the session is in use
    return client


def stored_reading(**fields):
    """Return a row that the database takes, unless one of ``fields`` is wrong."""
    return CostSnapshot.objects.create(
        **{
            "account_id": ACCOUNT,
            "region": REGION,
            "reader": "r",
            "taken_at": NOW,
            "day": NOW.date(),
            "is_complete": True,
            "has_objects": False,
            "resource_count": 3,
            "unpriced_count": 1,
            "currency": "EUR",
            "per_month": Decimal("12.5"),
            "content": b"the-lines-of-a-customer",
        }
        | fields
    )


def reading_under_way(**fields):
    return CostReading.objects.create(
        **{
            "account_id": ACCOUNT,
            "region": REGION,
            "reader": "r",
            "touched_at": NOW,
            "claimed_until": NOW,
            "content": b"",
        }
        | fields
    )


def keep(*, hour=9, day=2, reader="r", missing=(), objects=False, size=10):
    """Store a reading as the portal does, and return it."""
    inventory = Inventory(
        volumes=[Volume("vol-1", "gp2", size, state="in-use")],
        missing=list(missing),
        read=["ReadVolumes", *([OBJECTS] if objects else [])],
    )
    taken_at = dt.datetime(2026, 3, day, hour, tzinfo=dt.UTC)
    return snapshots.store(
        snapshot_of(inventory, sandbox_price_list(), account_id=ACCOUNT, taken_at=taken_at), reader
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"account_id": ""},
        {"account_id": None},
        {"region": ""},
        {"reader": ""},
        {"taken_at": None},
        {"day": None},
        {"is_complete": None},
        {"has_objects": None},
        {"resource_count": -1, "unpriced_count": -1},
        {"unpriced_count": -1},
        {"unpriced_count": 4},
        {"currency": ""},
        {"currency": "eur"},
        {"currency": "EU"},
        {"currency": "E1R"},
        {"content": None},
    ],
    ids=str,
)
def test_the_database_refuses_a_reading_that_cannot_be(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        stored_reading(**fields)
    assert not CostSnapshot.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [{}, {"per_month": None}, {"resource_count": 0, "unpriced_count": 0}, {"unpriced_count": 3}],
    ids=str,
)
def test_the_database_takes_what_can_be(fields):
    stored = stored_reading(**fields)
    assert CostSnapshot.objects.get(**fields) == stored


def test_there_is_one_reading_under_way_for_each_key_account_and_region():
    reading_under_way()
    for other in ({"account_id": "2"}, {"region": "us-west-1"}, {"reader": "s"}):
        reading_under_way(**other)
    with pytest.raises(IntegrityError), transaction.atomic():
        reading_under_way(touched_at=NOW + dt.timedelta(hours=1))
    assert CostReading.objects.count() == 4


@pytest.mark.parametrize("name", ["touched_at", "claimed_until", "content", "account_id"])
def test_a_reading_under_way_lacks_nothing(name):
    with pytest.raises(IntegrityError), transaction.atomic():
        reading_under_way(**{name: None})


# --- What is kept of a day


def test_a_later_reading_of_the_same_day_takes_the_place_of_an_earlier_one():
    keep(hour=9)
    last = keep(hour=10)
    assert list(CostSnapshot.objects.all()) == [last]


def test_every_day_and_every_key_keeps_its_own():
    kept = {keep(day=1), keep(day=2), keep(day=2, reader="s")}
    assert set(CostSnapshot.objects.all()) == kept
    assert snapshots.latest(ACCOUNT, REGION, "s").reader == "s"
    assert snapshots.latest(ACCOUNT, REGION, "t") is None


def test_a_partial_reading_leaves_the_last_complete_one_of_its_day():
    complete = keep(hour=9)
    keep(hour=10, missing=[REFUSED])
    partial = keep(hour=11, missing=[REFUSED])
    assert set(CostSnapshot.objects.all()) == {complete, partial}
    assert snapshots.latest(ACCOUNT, REGION, "r") == partial
    assert snapshots.by_day(ACCOUNT, REGION) == {complete.day: complete}
    last = keep(hour=12)
    assert list(CostSnapshot.objects.all()) == [last]


def test_a_reading_without_the_object_storage_leaves_the_last_one_with_it():
    whole = keep(hour=9, objects=True)
    without = keep(hour=10)
    assert set(CostSnapshot.objects.all()) == {whole, without}
    last = keep(hour=11, objects=True)
    assert list(CostSnapshot.objects.all()) == [last]


def test_the_days_come_newest_first():
    keep(day=1)
    keep(day=3)
    keep(day=2)
    assert [day.day for day in snapshots.by_day(ACCOUNT, REGION)] == [3, 2, 1]


def test_what_was_stored_is_read_back_to_the_last_digit():
    stored = keep(size=12345)
    again = snapshots.read(CostSnapshot.objects.get(pk=stored.pk))
    assert again.amount.month == 12345 * Decimal("0.11") == stored.per_month
    assert (again.account_id, again.region, again.taken_at) == (ACCOUNT, REGION, stored.taken_at)
    assert [(line.resource_id, line.specification) for line in again.lines] == [("vol-1", "gp2, 12345 GiB")]


def test_the_database_holds_nothing_of_a_key():
    reader = snapshots.reader_of("SANDBOX000000000DEMO")
    assert reader == snapshots.reader_of("SANDBOX000000000DEMO") != snapshots.reader_of("OTHER")
    assert "DEMO" not in reader


# --- Operators


def test_operators_see_readings_without_their_lines(operator):
    row = stored_reading()
    listed = operator.get("/admin/costs/costsnapshot/")
    assert [
        (one.account_id, one.resource_count, one.per_month) for one in listed.context["cl"].result_list
    ] == [(ACCOUNT, 3, Decimal("12.5"))]
    assert listed.context["cl"].result_list[0].get_deferred_fields() == {"content"}
    shown = operator.get(f"/admin/costs/costsnapshot/{row.pk}/change/")
    assert shown.status_code == 200
    for page in (listed, shown):
        assert "the-lines-of-a-customer" not in page.content.decode()


def test_operators_change_no_reading_but_may_delete_one(operator):
    row = stored_reading()
    change, delete = (f"/admin/costs/costsnapshot/{row.pk}/{name}/" for name in ("change", "delete"))
    assert operator.post(change, {"region": "x"}).status_code == 403
    assert operator.get("/admin/costs/costsnapshot/add/").status_code == 403
    assert operator.post(delete, {"post": "yes"}).status_code == 302
    assert not CostSnapshot.objects.exists()


def test_readings_are_shown_to_operators_only(client):
    assert client.get("/admin/costs/costsnapshot/").status_code == 302


def test_the_list_takes_as_many_queries_for_three_readings_as_for_one(operator, django_assert_num_queries):
    operator.get("/admin/costs/costsnapshot/")
    for count in (1, 3):
        CostSnapshot.objects.all().delete()
        for number in range(count):
            stored_reading(reader=str(number))
        with django_assert_num_queries(7):
            operator.get("/admin/costs/costsnapshot/")
