"""Three accounts of one size in one session: one is read from the cloud, two are kept as copies of it."""

import datetime as dt

from django.db import connection
from django.db.models import Expression, F, Model, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.test import Client

from accounts.gateway import Gateway
from bench.consumption import KEYS, REGION
from bench.figures import show, timed
from consumption.models import Ledger, LedgerReader, ResourceTag, ResourceUsage, TagReading, Usage, UsageDay
from costs import refreshing
from costs.snapshots import reader_of
from sandbox.cloud import LINKED_KEY, PAYING_KEY, AccessKey

OTHERS = (PAYING_KEY, LINKED_KEY)
"""The keys of the accounts that are added to that of the demo."""


def add_accounts(client: Client, at: dt.datetime) -> None:
    """Let a session that works with the demo's account work with three together."""
    [ledger] = Ledger.objects.all()
    copied = timed(lambda: [copy_ledger(ledger, key, at) for key in OTHERS])
    show(f"copying the account {len(OTHERS)} times", f"{copied.wall / 1000:,.0f} s", "none")
    for key in OTHERS:
        gateway = Gateway(key.access_key, key.secret_key, REGION, key.account_id)
        refreshing.whole(gateway, with_objects=False)
    join(client)


def join(client: Client) -> None:
    """Log in with the demo's key, add the others, and choose all of them together."""
    client.post("/login/", KEYS)
    for key in OTHERS:
        client.post("/accounts/add/", KEYS | {"access_key": key.access_key, "secret_key": key.secret_key})
    client.post("/accounts/use/", {"together": "1"})


def copy_ledger(ledger: Ledger, key: AccessKey, at: dt.datetime) -> None:
    """Keep all that is kept of an account for another one too; its resources have ids of their own."""
    made = Ledger.objects.create(
        account_id=key.account_id, region=REGION, claimed_until=at, tags_read_at=ledger.tags_read_at
    )
    LedgerReader.objects.create(ledger=made, reader=reader_of(key.access_key), answered_at=at)
    own = {"ledger": Value(made.pk)}
    account = {"account_id": Value(key.account_id)}
    resource = {"resource_id": Concat(F("resource_id"), Value(f"-{key.account_id[-1]}"))}
    _insert(UsageDay.objects.filter(ledger=ledger), own)
    day = UsageDay.objects.filter(ledger=made, day=OuterRef("day__day")).values("pk")
    of_account = {"account_id": ledger.account_id}
    _insert(
        Usage.objects.filter(day__ledger=ledger, **of_account),
        account | {"day": Subquery(day)},
    )
    runs = ResourceUsage.objects.filter(ledger=ledger, **of_account)
    _insert(runs.exclude(resource_id=""), own | account | resource)
    _insert(runs.filter(resource_id=""), own | account)
    _insert(TagReading.objects.filter(ledger=ledger), own)
    _insert(ResourceTag.objects.filter(ledger=ledger), own | resource)


def _insert(rows: QuerySet, changed: dict[str, Expression]) -> None:
    """Insert rows once more, with other values of some fields, all of them by one statement."""
    model: type[Model] = rows.model
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = [f"new_{field.name}" for field in fields]
    values = {f"new_{field.name}": changed.get(field.name, F(field.attname)) for field in fields}
    query, parameters = rows.order_by().annotate(**values).values_list(*names).query.sql_with_params()
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(model._meta.db_table)} ({columns}) {query}", parameters)
