"""Kept days for tests: read from the sandbox, or written from a few figures."""

import datetime as dt
from decimal import Decimal

from accounts.gateway import Gateway
from consumption import keeping
from consumption.entries import Answer, Entry
from consumption.keeping import ReadDay
from consumption.models import Ledger, LedgerReader
from consumption.tags import Seen, note_tags
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY

REGION = "eu-west-2"
LATER = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)
"""A moment at which every day of the tests is final."""


def gateway(key=DEMO_KEY, region=REGION):
    return Gateway(key.access_key, key.secret_key, region, key.account_id)


def day(number, month=3, year=2026):
    return dt.date(year, month, number)


def make_ledger(account_id=DEMO_ACCOUNT.account_id, region=REGION, reader=DEMO_KEY, at=LATER):
    """Return a ledger that ``reader`` may see."""
    ledger, _is_new = Ledger.objects.get_or_create(
        account_id=account_id, region=region, defaults={"claimed_until": at}
    )
    LedgerReader.objects.update_or_create(
        ledger=ledger, reader=reader_of(reader.access_key), defaults={"answered_at": at}
    )
    return ledger


def entry(type_="NatGatewayUsage", price="1.2", *, value="24", resource="nat-1", **facts):
    """Return one line of an answer; ``price`` None is a line that the cloud gives no price."""
    operation, category = facts.pop("operation", "CreateNatGateway"), facts.pop("category", "network")
    return Entry(
        service=facts.pop("service", "TinaOS-FCU"),
        type=type_,
        operation=operation,
        value=Decimal(value),
        subregion_name=facts.pop("subregion", REGION),
        category=category,
        title=facts.pop("title", type_),
        resource_id=resource,
        price=None if price is None else Decimal(price),
        **facts,
    )


def keep(ledger, contents, *, at=LATER, currency="EUR", unreadable=0, with_linked=False):
    """Keep days: ``{day: [entry, …]}``."""
    read = [
        ReadDay(one, Answer(list(entries), unreadable, currency), with_linked=with_linked)
        for one, entries in contents.items()
    ]
    keeping.keep(ledger, read, at=at)


def note_tags_of_vms(ledger, on, tags, *, kinds=("Vm",), hour=8):
    """Note the tags that a reading of some kinds saw, all of them on VMs: ``{resource: {key: value}}``."""
    seen = {
        (resource, key): ("Vm", value) for resource, pairs in tags.items() for key, value in pairs.items()
    }
    at = dt.datetime.combine(on, dt.time(hour), dt.UTC)
    note_tags(ledger=ledger, seen=Seen(frozenset(kinds), seen), at=at)
