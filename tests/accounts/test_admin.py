import pytest
from django.test import Client

from accounts.models import User
from sandbox.cloud import DEMO_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_client(db):
    operator = User.objects.create_superuser("operator", "a good password")
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def customer(db):
    return User.objects.for_account("123", name="Meridian")


def page_of(user, suffix="change"):
    return f"/admin/accounts/user/{user.pk}/{suffix}/"


def test_admin_shows_users_but_neither_keys_nor_sessions(logged_in, admin_client):
    user = User.objects.get(account_id__isnull=False)

    addresses = ["/admin/", "/admin/accounts/user/?q=Meridian", page_of(user)]
    pages = [admin_client.get(address) for address in addresses]

    assert [page.status_code for page in pages] == [200, 200, 200]
    text = "".join(page.content.decode() for page in pages)
    assert user.account_id in text
    assert "sessions/session" not in text
    assert "axes" not in text
    assert DEMO_KEY.access_key not in text
    assert DEMO_KEY.secret_key not in text
    assert 'name="password"' not in text


def test_operator_can_close_the_portal_to_a_customer(admin_client, customer):
    admin_client.post(page_of(customer), {"name": "Meridian"})

    customer.refresh_from_db()
    assert not customer.is_active


def test_operator_cannot_make_a_customer_an_operator(admin_client, customer):
    admin_client.post(
        page_of(customer), {"name": "M", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    )

    customer.refresh_from_db()
    assert (customer.name, customer.is_staff, customer.is_superuser) == ("M", False, False)


def test_customer_gets_no_password(admin_client, customer):
    assert admin_client.get(page_of(customer, "password")).status_code == 403
    assert admin_client.get(page_of(User.objects.get(username="operator"), "password")).status_code == 200


def test_users_are_not_added_by_hand(admin_client):
    assert admin_client.get("/admin/accounts/user/add/").status_code == 403
