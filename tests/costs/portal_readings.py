"""Readings of the sandbox through the portal, what the sandbox expects of them, and small estates to read."""

import datetime as dt
from decimal import Decimal

from bs4 import BeautifulSoup
from django.test import Client

from costs import snapshots
from costs.models import CostSnapshot
from costs.money import round_for_display, show_money
from sandbox.cloud import DEMO_KEY
from sandbox.expected import expected
from sandbox.inventory import Inventory, Snapshot, Vm, Volume

REGION = "eu-west-2"
HTMX = {"HX-Request": "true"}
CREATED = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def keys_of(key, region=REGION):
    """Return what the login form is sent for a key of the sandbox."""
    return {"access_key": key.access_key, "secret_key": key.secret_key, "region": region}


def client_of(key, region=REGION):
    """Return a browser that is logged in with a key of the sandbox."""
    client = Client()
    response = client.post("/login/", keys_of(key, region))
    assert response.status_code == 302, response.content.decode()
    return client


def read_now(client, *, objects=False):
    """Read the cloud as the page does, and return the stored reading."""
    for _slice in range(20):
        response = client.post("/costs/read/", {"objects": "1"} if objects else {}, headers=HTMX)
        if response.headers.get("HX-Trigger"):
            return CostSnapshot.objects.newest_first().first()
    raise AssertionError(response.content.decode())


def turned_back(stored, **ago):
    """Make a stored reading one of ``ago`` (``days=1``), as its database row and its lines say it."""
    taken_at = stored.taken_at - dt.timedelta(**ago)
    stored = CostSnapshot.objects.get(pk=stored.pk)
    stored.taken_at, stored.day = taken_at, taken_at.date()
    content = snapshots.read(stored)
    stored.content = snapshots.packed(type(content)(**_fields(content) | {"taken_at": taken_at}))
    stored.save()
    return stored


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def get(client, path="/costs/", question=None, **options):
    """Return what a page answers to a question."""
    return with_soup(client.get(path, question or {}, **options))


def with_soup(response):
    """Return an answer with its ``soup``, to look elements up in."""
    response.soup = BeautifulSoup(response.content, "html.parser")
    return response


def text(element):
    """Return what a person reads in an element."""
    return " ".join(element.get_text(" ").split())


def notices(response):
    """Return what the notices of a page say; one in a template is not shown yet."""
    return [text(one) for one in response.soup.select(".notice:not(template *)")]


def figures(response):
    """Return the totals that a page shows, by period."""
    return {one["data-figure"]: text(one) for one in response.soup.select("[data-figure]")}


def ids(response):
    """Return the resources of a page in their order."""
    return [row.line.resource_id for row in response.context["rows"]]


def expected_now(outscale, key=DEMO_KEY, region=REGION, *, objects=False):
    """Return what each resource of an account costs, as the sandbox works it out by itself."""
    cloud = outscale.cloud
    buckets = cloud.buckets(region, key.account_id) if objects else ()
    return expected(cloud.inventory(region, key.account_id), cloud.prices(region), buckets)


def same(left, right):
    """Tell whether two amounts are equal as far as the database and the files keep them: to ten decimals."""
    return round_for_display(Decimal(left), 10) == round_for_display(Decimal(right), 10)


def money(amount, places=2, currency="EUR"):
    return show_money(Decimal(amount), currency, places=places)


def make_vm(number=1, **facts):
    """Return a running VM of the sandbox: 0.18 EUR an hour, free of licences."""
    facts = {
        "vm_id": f"i-{number:08x}",
        "vm_type": "tinav6.c4r8p2",
        "product_codes": ("0001",),
        "subregion": f"{REGION}a",
        "created": CREATED,
        "tags": (("Name", f"vm-{number}"),),
        "private_ip": f"10.0.{number // 250}.{number % 250 + 4}",
        "nic_id": f"eni-{number:08x}",
        "performance": "high",
    } | facts
    return Vm(**facts)


def make_volume(number=1, **facts):
    """Return a free volume of the sandbox: gp2, 100 GiB."""
    facts = {
        "volume_id": f"vol-{number:08x}",
        "volume_type": "gp2",
        "size_gib": 100,
        "iops": 300,
        "subregion": f"{REGION}a",
        "created": CREATED,
        "tags": (),
        "vm_id": None,
        "device": "/dev/sda1",
    } | facts
    return Volume(**facts)


def make_snapshot(number=1, **facts):
    """Return a snapshot of the sandbox of a volume of 100 GiB."""
    facts = {
        "snapshot_id": f"snap-{number:08x}",
        "stored_gib": Decimal(10),
        "created": CREATED,
        "account_id": DEMO_KEY.account_id,
        "volume_id": f"vol-{number:08x}",
        "volume_size_gib": 100,
    } | facts
    return Snapshot(**facts)


def own(outscale, **resources):
    """Let the demo account own these ``resources``, by kind, and nothing else."""
    owned = {kind: tuple(found) for kind, found in resources.items()}
    outscale.cloud.set_inventory(Inventory(REGION, DEMO_KEY.account_id, **owned))
