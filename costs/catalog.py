"""The price catalogs of the regions: the stored versions, and how they are kept up to date.

Everything here reads the database; only ``refresh``, ``up_to_date`` and ``confirm_currency`` ask the cloud.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from itertools import groupby

from django.db import IntegrityError, transaction

from accounts import changes, regions
from costs.models import Catalog, CatalogEntry
from costs.pricelist import PriceList

_ATTEMPTS = 3
_KEPT_IN_MEMORY = 32
_Identity = tuple[int, str, str, bool, dt.datetime]
_price_lists: dict[_Identity, PriceList] = {}


def latest(region: str) -> PriceList | None:
    """Return the newest stored prices of ``region``, or None when there are none; never asks the cloud."""
    return latest_of([region]).get(region)


def latest_of(names: Iterable[str]) -> dict[str, PriceList]:
    """Return the newest stored prices of each region that has any: two queries at most, one as a rule."""
    return {prices.region: prices for prices in price_lists(Catalog.objects.newest_of(names))}


def valid_on(region: str, day: dt.date) -> PriceList | None:
    """Return the prices of ``region`` at the end of a UTC day, None when none are stored."""
    return history_of(region)(day)


def history_of(region: str) -> Callable[[dt.date], PriceList | None]:
    """Return what tells the prices of ``region`` at the end of any UTC day (one query, when first asked).

    For a day before the first stored version that version answers: it is the nearest that is known.
    """

    @cache
    def versions() -> list[Catalog]:
        return list(Catalog.objects.filter(region=region).order_by("version"))

    def on(day: dt.date) -> PriceList | None:
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, dt.UTC)
        before = [catalog for catalog in versions() if catalog.valid_from < end]
        valid = (before or versions()[:1])[-1:]
        return price_lists(valid)[0] if valid else None

    return on


def price_lists(catalogs: Iterable[Catalog]) -> list[PriceList]:
    """Return the prices of stored catalogs, in their order: one query for all those not yet in memory."""
    catalogs = list(catalogs)
    known = {_identity(catalog): _price_lists.get(_identity(catalog)) for catalog in catalogs}
    known |= _read([catalog for catalog in catalogs if known[_identity(catalog)] is None])
    return [known[_identity(catalog)] for catalog in catalogs]


def _identity(catalog: Catalog) -> _Identity:
    """Return what a price list depends on: entries never change, the currency of a version may."""
    return (catalog.pk, catalog.digest, catalog.currency, catalog.currency_confirmed, catalog.valid_from)


def _read(catalogs: Sequence[Catalog]) -> dict[_Identity, PriceList]:
    if not catalogs:
        return {}
    entries = CatalogEntry.objects.filter(catalog__in=catalogs).order_by("catalog_id", "pk")
    rows = {pk: list(group) for pk, group in groupby(entries, key=lambda entry: entry.catalog_id)}
    read = {_identity(catalog): _price_list(catalog, rows[catalog.pk]) for catalog in catalogs}
    if len(_price_lists) > _KEPT_IN_MEMORY:
        _price_lists.clear()
    _price_lists.update(read)
    return read


def _price_list(catalog: Catalog, entries: Iterable[CatalogEntry]) -> PriceList:
    return PriceList.of(
        (entry.as_price() for entry in entries),
        region=catalog.region,
        currency=catalog.currency,
        version=catalog.version,
        valid_from=catalog.valid_from,
        currency_confirmed=catalog.currency_confirmed,
    )


def store(entries: Sequence[CatalogEntry], *, region: str, at: dt.datetime) -> Catalog:
    """Keep what ``region`` published at ``at``, and return its newest catalog.

    The same content only moves ``fetched_at``; changed content becomes a new version. An answer older than
    the newest stored one (one refresh overtook another) changes nothing.
    """
    for _attempt in range(_ATTEMPTS - 1):
        try:
            return _store_once(entries, region, at)
        except IntegrityError:
            continue  # somebody else just created this version: compare with theirs
    return _store_once(entries, region, at)


@transaction.atomic
def _store_once(entries: Sequence[CatalogEntry], region: str, at: dt.datetime) -> Catalog:
    newest = newest_catalog(region)
    digest = digest_of(entries)
    if newest is None:
        currency = regions.assumed_currency(region)
        first = Catalog(
            region=region, version=1, valid_from=at, fetched_at=at, currency=currency, digest=digest
        )
        return _create(first, entries)
    if at < newest.fetched_at:
        return newest
    if newest.digest == digest:
        newest.fetched_at = at
        newest.save(update_fields=["fetched_at"])
        return newest
    return _create(_next_version(newest, at, digest=digest), entries)


def continue_in_currency(newest: Catalog, currency: str, at: dt.datetime) -> Catalog:
    """Create the version after ``newest``: the same entries, in the ``currency`` named at ``at``."""
    following = _next_version(newest, max(at, newest.fetched_at), currency=currency)
    following.currency_confirmed_at = at
    return _create(following, newest.entries.all())


def newest_catalog(region: str) -> Catalog | None:
    """Return the newest stored catalog of ``region``, or None (one query, without its entries)."""
    return next(iter(Catalog.objects.newest_of([region])), None)


def _next_version(newest: Catalog, at: dt.datetime, **changed: str) -> Catalog:
    """Return the version after ``newest``, not saved yet; it inherits what is known of the currency."""
    return Catalog(
        region=newest.region,
        version=newest.version + 1,
        valid_from=at,
        fetched_at=at,
        currency_confirmed_at=newest.currency_confirmed_at,
        **({"currency": newest.currency, "digest": newest.digest} | changed),
    )


def _create(catalog: Catalog, entries: Iterable[CatalogEntry]) -> Catalog:
    catalog.save(force_insert=True)
    CatalogEntry.objects.bulk_create(_copies(entries, catalog))
    changes.note(changes.EVERYBODY)
    return catalog


def _copies(entries: Iterable[CatalogEntry], catalog: Catalog) -> list[CatalogEntry]:
    columns = [field.attname for field in CatalogEntry._meta.fields if field.name not in {"id", "catalog"}]
    return [
        CatalogEntry(catalog=catalog, **{name: getattr(entry, name) for name in columns}) for entry in entries
    ]


def digest_of(entries: Iterable[CatalogEntry]) -> str:
    """Return what tells two contents apart, whatever the order of the entries and the zeros of a price."""
    lines = sorted(
        [*entry.key, entry.subregion, entry.category, entry.title, _plain(entry.unit_price), entry.per_month]
        for entry in entries
    )
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def _plain(price: Decimal) -> str:
    return f"{price.normalize():f}"
