from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from costs.exchangemodel import ExchangeRate

pytestmark = pytest.mark.django_db

ADD = "/admin/costs/exchangerate/add/"
RATE = {"currency": "USD", "into": "EUR", "rate": "0.9212345678"}


@pytest.fixture
def operator(client):
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    return client


def test_an_operator_sets_a_rate_and_each_change_of_it_has_its_moment(operator):
    assert operator.post(ADD, RATE).status_code == 302
    rate = ExchangeRate.objects.get()
    assert (str(rate), rate.rate) == ("1 USD = 0.9212345678 EUR", Decimal("0.9212345678"))
    earlier = timezone.now() - timedelta(days=3)
    ExchangeRate.objects.update(set_at=earlier)
    address = f"/admin/costs/exchangerate/{rate.pk}/change/"
    operator.post(address, RATE)
    assert ExchangeRate.objects.get().set_at == earlier
    operator.post(address, RATE | {"rate": "1"})
    assert ExchangeRate.objects.get().set_at > earlier
    assert "USD" in operator.get("/admin/costs/exchangerate/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"currency": "usd"}, "three capital letters"),
        ({"into": "EU"}, "three capital letters"),
        ({"into": "€€€"}, "three capital letters"),
        ({"into": "USD"}, "two different currencies"),
        ({"rate": "0"}, "larger than 0"),
        ({"rate": "-1"}, "larger than 0"),
        ({"rate": "0.12345678901"}, "10 decimal places"),
        ({"rate": "123456.5"}, "before the decimal point"),
        ({"rate": "NaN"}, "Enter a number"),
        ({"rate": ""}, "required"),
    ],
)
def test_what_no_rate_can_be_is_refused_with_its_reason(operator, wrong, problem):
    page = BeautifulSoup(operator.post(ADD, RATE | wrong).content, "html.parser")
    assert problem in " ".join(one.get_text() for one in page.select(".errorlist"))
    assert not ExchangeRate.objects.exists()


def test_a_pair_has_one_rate_and_its_inverse_is_another_one(operator):
    operator.post(ADD, RATE)
    assert "There is a rate of these currencies already" in operator.post(ADD, RATE).content.decode()
    assert operator.post(ADD, {"currency": "EUR", "into": "USD", "rate": "1.1"}).status_code == 302
    assert list(ExchangeRate.objects.into("EUR", ["USD", "CHF"])) == ["USD"]


def test_a_customer_sets_no_rate(logged_in):
    assert logged_in.post(ADD, RATE).status_code in (302, 403)
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"rate": Decimal(0)}, {"into": "USD"}, {"currency": "us"}, {"into": "eur"}], ids=str
)
def test_the_database_refuses_what_no_rate_can_be(wrong):
    fields = {"currency": "USD", "into": "EUR", "rate": Decimal(1), "set_at": timezone.now()} | wrong
    with transaction.atomic(), pytest.raises(IntegrityError):
        ExchangeRate.objects.create(**fields)
