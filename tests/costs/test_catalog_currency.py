import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.errors import CloudError
from accounts.gateway import Gateway
from accounts.signals import keys_proven
from costs import freshness
from costs.currency import CurrencyNotNamed, confirm_currency, learn_at_login, note_currency
from costs.models import Catalog
from sandbox.cloud import DEMO_KEY
from tests.conftest import DEMO_KEYS
from tests.costs.catalogs import NOW, REGION, raw_entry, store

pytestmark = pytest.mark.django_db
CALL = "ReadUnitPrice"
LATER = NOW + dt.timedelta(days=1)


def gateway(region=REGION):
    return Gateway(DEMO_KEY.access_key, DEMO_KEY.secret_key, region)


def known():
    return list(
        Catalog.objects.order_by("version").values_list("version", "currency", "currency_confirmed_at")
    )


def calls(outscale):
    return [request for request in outscale.requests if request.call == CALL]


def test_the_api_names_the_currency_and_every_assumed_version_is_corrected(outscale):
    store(region="us-east-2")
    store(raw_entry(price="0.006"), region="us-east-2", at=LATER)
    Catalog.objects.update(currency="EUR")  # as if the settings had assumed wrongly
    assert confirm_currency(gateway("us-east-2"), "us-east-2", LATER) == "USD"
    assert known() == [(1, "USD", LATER), (2, "USD", LATER)]


def test_new_versions_inherit_the_confirmed_currency():
    store()
    note_currency(REGION, "CHF", NOW)
    store(raw_entry(price="0.006"), at=LATER)
    assert known() == [(1, "CHF", NOW), (2, "CHF", NOW)]


def test_a_confirmed_version_is_never_rewritten_another_currency_is_a_new_version():
    store()
    note_currency(REGION, "EUR", NOW)
    note_currency(REGION, "CHF", LATER)
    assert known() == [(1, "EUR", NOW), (2, "CHF", LATER)]
    assert Catalog.objects.get(version=2).entries.count() == 1


def test_the_same_currency_again_only_moves_the_date():
    store()
    note_currency(REGION, "EUR", NOW)
    note_currency(REGION, "EUR", LATER)
    assert known() == [(1, "EUR", LATER)]


def test_other_regions_are_left_alone():
    store(region="us-west-1")
    note_currency(REGION, "CHF", NOW)
    assert known() == [(1, "USD", None)]


def test_a_login_confirms_the_currency_of_its_region(client, outscale):
    store()
    client.post("/login/", DEMO_KEYS)
    catalog = Catalog.objects.get()
    assert (catalog.currency, catalog.currency_confirmed) == ("EUR", True)


def test_the_first_login_of_a_region_also_brings_its_prices(client, outscale):
    client.post("/login/", DEMO_KEYS)
    catalog = Catalog.objects.get()
    assert (catalog.region, catalog.currency_confirmed) == (REGION, True)
    assert catalog.entries.count() == len(outscale.cloud.prices(REGION))


def test_a_second_login_within_a_day_does_not_ask_again(client, outscale):
    client.post("/login/", DEMO_KEYS)
    outscale.requests.clear()
    client.post("/login/", DEMO_KEYS)
    assert calls(outscale) == []


@pytest.mark.parametrize("fault", ["refuse", "unavailable", "broken-json", "throttle", "list-error"])
def test_a_login_never_fails_because_the_currency_is_not_named(client, outscale, fault):
    store()
    outscale.faults.add(CALL, fault)
    assert client.post("/login/", DEMO_KEYS).status_code == 302
    assert not Catalog.objects.get().currency_confirmed
    with pytest.raises(CloudError):
        confirm_currency(gateway(), REGION, NOW)


def test_a_login_never_fails_because_the_prices_cannot_be_fetched(client, outscale):
    outscale.faults.add("ReadPublicCatalog", "broken-json")
    assert client.post("/login/", DEMO_KEYS).status_code == 302
    assert not Catalog.objects.exists()


def log_in_often(outscale, times=3):
    """Log in ``times`` times; return how often each of the two calls was made."""
    for _ in range(times):
        assert Client().post("/login/", DEMO_KEYS).status_code == 302
    return outscale.requests.count(CALL), outscale.requests.count("ReadPublicCatalog")


def test_a_currency_call_that_hangs_makes_one_login_wait_and_no_other(outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    store()
    outscale.faults.add(CALL, "hang")
    assert log_in_often(outscale) == (1, 0)


def test_a_price_list_that_hangs_makes_one_login_wait_and_no_other(outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    outscale.faults.add("ReadPublicCatalog", "hang")
    assert log_in_often(outscale) == (0, 1)


def test_a_refresh_that_failed_on_a_page_is_not_tried_again_by_a_login(outscale):
    outscale.faults.add("ReadPublicCatalog", "broken-json")
    with pytest.raises(freshness.RefreshFailed):
        freshness.refresh(REGION, timezone.now())
    outscale.requests.clear()
    assert log_in_often(outscale) == (0, 0)


def test_a_failure_in_one_region_does_not_keep_another_from_its_currency(outscale):
    store()
    store(region="us-east-2")
    outscale.faults.add(f"us-east-2/{CALL}", "list-error")
    learn_at_login(gateway=gateway("us-east-2"))
    learn_at_login(gateway=gateway())
    confirmed = Catalog.objects.exclude(currency_confirmed_at=None).values_list("region", flat=True)
    assert list(confirmed) == [REGION]


def test_after_a_while_the_currency_is_asked_for_again(outscale, monkeypatch):
    monkeypatch.setattr("costs.currency.FAILURE_REMEMBERED", dt.timedelta(0))
    store()
    outscale.faults.add(CALL, "list-error", 1)
    assert log_in_often(outscale) == (2, 0)
    assert Catalog.objects.get().currency_confirmed


def test_a_key_that_may_not_ask_does_not_keep_the_next_one_from_asking(outscale):
    store()
    outscale.faults.add(CALL, "refuse", 1)
    assert log_in_often(outscale) == (2, 0)
    assert Catalog.objects.get().currency_confirmed


class Answering:
    """A gateway whose cloud answers what the sandbox never would."""

    region = REGION

    def __init__(self, answer):
        self.answer = answer

    def read(self, call, **params):
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"UnitPriceEntry": None},
        {"UnitPriceEntry": []},
        *({"UnitPriceEntry": {"Currency": named}} for named in (None, "", "eur", "EURO", "€", 978, "EUR\n")),
    ],
)
def test_an_answer_that_names_no_currency_changes_nothing(answer):
    store()
    with pytest.raises(CurrencyNotNamed):
        confirm_currency(Answering(answer), REGION, NOW)
    learn_at_login(gateway=Answering(answer))
    assert known() == [(1, "EUR", None)]


def test_the_signal_of_a_login_is_connected_once():
    receivers = [receiver[1]() for receiver in keys_proven.receivers]
    assert receivers.count(learn_at_login) == 1
