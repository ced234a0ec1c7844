"""Readings of the sandbox through the portal's own gateway, for tests."""

import datetime as dt
import math
from contextlib import contextmanager

from accounts.gateway import Gateway
from costs.inventory import OBJECTS, SOURCES
from costs.reading import Reading, advance
from sandbox.cloud import DEMO_KEY
from sandbox.server import running

STARTED_AT = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
EVERYTHING = (*SOURCES, OBJECTS)


def gateway(key=DEMO_KEY, region="eu-west-2"):
    return Gateway(key.access_key, key.secret_key, region, key.account_id)


def begin(key=DEMO_KEY, region="eu-west-2", calls=EVERYTHING):
    return Reading.begin(account_id=key.account_id, region=region, at=STARTED_AT, calls=calls)


def read(key=DEMO_KEY, region="eu-west-2", calls=EVERYTHING, *, seconds=math.inf):
    """Return a reading of these lists, gone as far as it goes in these seconds."""
    begun = begin(key, region, calls)
    advance(begun, gateway(key, region), seconds=seconds)
    return begun


def lists(inventory):
    """Return everything that was read, list by list, whatever the order in which the lists came to an end."""
    return {name: getattr(inventory, name) for name in inventory.__struct_fields__} | {
        "read": sorted(inventory.read),
        "missing": sorted(inventory.missing, key=lambda one: (one.call, one.detail)),
    }


def counted(inventory):
    """Return how many resources of each list there are, and the buckets."""
    fields = [source.field for source in SOURCES.values()]
    return {name: len(getattr(inventory, name)) for name in (*fields, "buckets")}


@contextmanager
def cloud_that_turns(settings, turn, **options):
    """A sandbox of one test: ``turn(sandbox, call)`` is told of each answer before it is sent."""

    def watch(request, _reply):
        turn(sandbox, "ListObjectsV2" if "/oos/" in request.path else request.path.rpartition("/")[2])

    with running(seed=1, watch=watch, **options) as sandbox:
        settings.OUTSCALE_API_URL, settings.OUTSCALE_OOS_URL = sandbox.url, sandbox.oos_url
        settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
        yield sandbox
