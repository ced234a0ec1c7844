"""Files given as estimates: read, checked against the keys of who gives them, and kept for some days."""

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.keyring import Key
from consumption.costjson import is_current_cost, read_current_cost
from consumption.estimatefiles import EstimateRefused, Given, documents_of
from consumption.models import UploadedEstimate
from consumption.osccost import is_its_drift, is_osc_cost, read_osc_cost
from costs.snapshots import packed, reader_of, unpacked

KEPT_FOR = dt.timedelta(days=7)
MOST_KEPT = 10
"""So many files of a key are kept; another one takes the place of the oldest."""

_LONGEST_NAME = 120


def given_of(content: bytes, name: str) -> Given:
    """Return what a file estimates; raise ``EstimateRefused``."""
    documents = documents_of(content)
    if is_osc_cost(documents):
        return read_osc_cost(documents, name)
    if is_current_cost(documents):
        return read_current_cost(documents, name)
    if is_its_drift(documents):
        raise EstimateRefused(_("This is the drift of osc-cost. Give what osc-cost --format json writes."))
    text = _("This JSON is neither one of osc-cost --format json nor one of the current cost.")
    raise EstimateRefused(text)


def of_whom(given: Given, whose: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return which of some accounts and regions a file is about.

    A file that names neither is about the first. Raises ``EstimateRefused`` where it names another one.
    """
    for account_id, region in whose:
        if given.account_id in ("", account_id) and given.region in ("", region):
            return account_id, region
    text = _("The file is about account %(account)s in %(region)s, which these keys do not open.")
    named = {"account": given.account_id or "–", "region": given.region or "–"}
    raise EstimateRefused(text % named)


@transaction.atomic
def keep(content: bytes, name: str, keys: Sequence[Key], at: dt.datetime) -> UploadedEstimate:
    """Keep a file for who holds ``keys``; raise ``EstimateRefused``. Older files are dropped."""
    name = " ".join(name.split())[:_LONGEST_NAME] or "estimate"
    given = given_of(content, name)
    whose = of_whom(given, [(key.account_id, key.region) for key in keys])
    key = next(key for key in keys if (key.account_id, key.region) == whose)
    UploadedEstimate.objects.filter(uploaded_at__lt=at - KEPT_FOR).delete()
    kept = UploadedEstimate.objects.create(
        account_id=key.account_id,
        region=key.region,
        reader=reader_of(key.access_key),
        name=name,
        uploaded_at=at,
        content=packed(given),
    )
    of_key = UploadedEstimate.objects.filter(reader=kept.reader, region=kept.region)
    old = of_key.order_by("-uploaded_at", "pk").values_list("pk", flat=True)[MOST_KEPT:]
    UploadedEstimate.objects.filter(pk__in=list(old)).delete()
    return kept


def find(estimate_id: str, readers: Iterable[str], at: dt.datetime) -> UploadedEstimate | None:
    """Return a file that one of ``readers`` gave not long ago, None when there is no such."""
    try:
        pk = UUID(estimate_id)
    except ValueError:
        return None
    kept = UploadedEstimate.objects.filter(pk=pk, reader__in=list(readers), uploaded_at__gte=at - KEPT_FOR)
    return kept.first()


def names_of(readers: Iterable[str], at: dt.datetime) -> list[tuple[str, str]]:
    """Return the ids and names of the files that ``readers`` gave, the last one first."""
    kept = UploadedEstimate.objects.filter(reader__in=list(readers), uploaded_at__gte=at - KEPT_FOR)
    return [(str(pk), name) for pk, name in kept.order_by("-uploaded_at").values_list("pk", "name")]


def read(kept: UploadedEstimate) -> Given:
    """Return what a kept file estimates."""
    return unpacked(kept.content, Given)
