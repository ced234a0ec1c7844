import datetime as dt

import pytest

from accounts.errors import CloudError
from accounts.gateway import Gateway
from accounts.signals import keys_proven
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
