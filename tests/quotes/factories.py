"""Makes users, quotes and items with sensible defaults, through the product's own functions."""

import datetime as dt
from decimal import Decimal

from accounts.models import User
from quotes import editing, lifecycle
from quotes.editing import ItemData
from tests.costs.pricelists import sandbox_price_list

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def minutes(number):
    return NOW + dt.timedelta(minutes=number)


def make_owner(account_id="100000000001"):
    return User.objects.for_account(account_id, name=f"Account {account_id[-1]}")


def make_quote(*, owner=None, name="Plan", at=NOW, items=0):
    quote = lifecycle.create(owner=owner or make_owner(), name=name, at=at)
    for number in range(items):
        make_item(quote, resource_name=f"Item {number}")
    return quote


def make_item(quote, *, prices=None, at=NOW, **data):
    given = {
        "resource_type": "vm",
        "region": "eu-west-2",
        "parameters": {"vm_type": "tinav6.c4r8p2", "product_codes": ["0001"], "tenancy": "default"},
        "quantity": 1,
    }
    return editing.add_item(
        quote=quote, data=ItemData(**given | data), prices=prices or sandbox_price_list(), at=at
    )


def set_terms(quote, **terms):
    given = {
        "duration": 1,
        "duration_unit": "months",
        "commitment_period": "",
        "global_discount_percent": Decimal(0),
    }
    return editing.set_terms(quote=quote, **given | terms, at=NOW)
