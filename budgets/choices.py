"""What a budget can be limited to, as a session knows it: places, products, accounts and currencies."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from accounts import regions
from accounts.keyring import Keyring
from consumption.access import access_of
from consumption.models import Ledger, Meter, Usage
from consumption.tagged import known_tags
from costs import catalog, products
from costs.pricelist import PriceList


@dataclass(frozen=True)
class Choices:
    """The values that a budget can be limited to, with their names, and the currency of each region.

    ``accounts`` are the account itself, the others of the session, and those whose consumption is kept with
    theirs; ``tags`` the values that were seen of each key. ``home`` is the region of the account's key that
    is in use, else of its first one. ``is_paying``: other accounts are billed to this one.
    """

    account_id: str
    accounts: dict[str, str]
    categories: dict[str, str]
    services: dict[str, str]
    tags: dict[str, list[str]]
    currencies: dict[str, str]
    home: str
    is_paying: bool

    @property
    def default_currency(self) -> str:
        """The currency of the home region."""
        return self.currencies.get(self.home) or next(iter(self.currencies.values()))


def choices_of(keyring: Keyring, account_id: str, at: dt.datetime) -> Choices:
    """Return what the budgets of an account can be limited to.

    Known are the price catalogs of all regions, and what was consumed as far as the keys of this session may
    see it; the cloud is not asked, and the queries do not grow with the days.
    """
    ledgers = access_of(keyring.keys, at).ledgers
    accounts = sorted({account_id, *keyring.names} | _accounts(ledgers))
    prices, consumed = catalog.latest_of(regions.names()), _consumed(ledgers)
    return Choices(
        account_id=account_id,
        accounts={one: keyring.names.get(one) or one for one in accounts},
        categories=_categories(prices.values(), consumed),
        services=_services(prices.values(), consumed),
        tags=known_tags(ledgers),
        currencies={name: _currency(name, prices.get(name)) for name in regions.names()},
        home=_home(keyring, account_id),
        is_paying=any(ledger.is_paying for ledger in ledgers if ledger.account_id == account_id),
    )


def _home(keyring: Keyring, account_id: str) -> str:
    """Return the region of the key in use where that is of the account, else that of its first key."""
    keys = keyring.of_account(account_id) or keyring.keys
    return keyring.current.region if keyring.current in keys else keys[0].region


def _currency(region: str, prices: PriceList | None) -> str:
    return prices.currency if prices else regions.assumed_currency(region)


def _accounts(ledgers: list[Ledger]) -> set[str]:
    kept = Usage.objects.filter(day__ledger__in=ledgers).order_by()
    return set(kept.values_list("account_id", flat=True).distinct())


def _categories(prices: Iterable[PriceList], consumed: set[tuple[str, str]]) -> dict[str, str]:
    sold = {entry.category for one in prices for entry in one.entries.values()}
    found = dict.fromkeys(
        [*products.CATEGORIES, *sorted(sold | {category for category, _service in consumed})]
    )
    return {value: products.category_name(value) for value in found if value}


def _services(prices: Iterable[PriceList], consumed: set[tuple[str, str]]) -> dict[str, str]:
    sold = {key.service for one in prices for key in one.entries}
    found = {
        value: products.service_name(value) for value in sold | {service for _category, service in consumed}
    }
    return dict(sorted(found.items(), key=lambda row: (row[1].casefold(), row[0])))


def _consumed(ledgers: list[Ledger]) -> set[tuple[str, str]]:
    """Return the categories and services of which consumption is kept."""
    used = Usage.objects.filter(day__ledger__in=ledgers).order_by().values("meter_id").distinct()
    return set(Meter.objects.filter(pk__in=used).order_by().values_list("category", "service").distinct())
