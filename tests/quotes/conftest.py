import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from costs import freshness
from tests.quotes.factories import make_quote


@pytest.fixture
def alice(logged_in):
    """Who is logged in."""
    return User.objects.get(account_id="100000000001")


@pytest.fixture
def prices(logged_in):
    """The prices of eu-west-2 in the sandbox."""
    return freshness.up_to_date("eu-west-2", timezone.now()).prices


@pytest.fixture
def quote(alice, prices):
    """Alice's active quote, empty."""
    return make_quote(owner=alice, name="ERP")


@pytest.fixture
def htmx(logged_in):
    """Sends requests as htmx does."""

    class Htmx:
        def get(self, path, **data):
            return logged_in.get(path, data, headers={"HX-Request": "true"})

        def post(self, path, **data):
            return logged_in.post(path, data, headers={"HX-Request": "true"})

    return Htmx()


def address(name, *args):
    return reverse(f"quotes:{name}", args=args)
