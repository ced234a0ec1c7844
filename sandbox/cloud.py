"""The accounts of the sandbox, their access keys with what these may do, and the state of its regions.

The keys below open nothing but a sandbox, so they may be printed, committed and used in tests.
"""

import random
import threading
import uuid
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

from sandbox.buckets import Bucket, build_buckets
from sandbox.clock import Clock
from sandbox.clusters import Cluster, build_clusters
from sandbox.estates import build, build_sized
from sandbox.handovers import as_of, week_of
from sandbox.history import Past
from sandbox.inventory import Inventory
from sandbox.prices import Catalog, Entry, Key, price_list
from sandbox.regions import REGIONS

EVERYTHING = ("api:*", "oos:*")


@dataclass(frozen=True)
class Account:
    """One OUTSCALE account; `paying_account_id` is the account that is billed for it."""

    account_id: str
    paying_account_id: str
    customer_id: str
    company: str
    first_name: str
    last_name: str
    email: str
    city: str
    zip_code: str
    password: str = "sandbox-password"  # noqa: S105 - of nobody

    @property
    def is_paying(self) -> bool:
        """Whether it is billed for itself, and so for the accounts linked to it."""
        return self.account_id == self.paying_account_id


@dataclass(frozen=True)
class AccessKey:
    """One access key: `allowed` are the actions its policy allows, `regions` where it is known."""

    access_key: str
    secret_key: str
    account_id: str
    user: str = "root"
    allowed: tuple[str, ...] = EVERYTHING
    regions: tuple[str, ...] = tuple(REGIONS)

    def may(self, call: str) -> bool:
        """Tell whether the policy of this key allows a call."""
        return self._is_allowed(f"api:{call}")

    @property
    def may_list_objects(self) -> bool:
        """Whether the policy of this key allows to list what the object storage holds."""
        return self._is_allowed("oos:ListBucket")

    def _is_allowed(self, action: str) -> bool:
        return any(fnmatchcase(action, pattern) for pattern in self.allowed)


def _key(name: str, account_id: str, **rest: str | tuple[str, ...]) -> AccessKey:
    """Make a key of the real form: 20 capitals and digits, a secret of 40."""
    return AccessKey(f"SANDBOX{name:0>13}", f"SANDBOX0SECRET0NOT0REAL{name:0>17}", account_id, **rest)


PAYING_ACCOUNT = Account(
    account_id="100000000000",
    paying_account_id="100000000000",
    customer_id="10000000",
    company="Groupe Meridian",
    first_name="Anne",
    last_name="Lefèvre",
    email="finance@meridian.example",
    city="Saint-Cloud",
    zip_code="92210",
)
DEMO_ACCOUNT = Account(
    account_id="100000000001",
    paying_account_id="100000000000",
    customer_id="10000001",
    company="Meridian Santé",
    first_name="Hélène",
    last_name="Fournier",
    email="cloud@meridian-sante.example",
    city="Nîmes",
    zip_code="30000",
)
LINKED_ACCOUNT = Account(
    account_id="100000000002",
    paying_account_id="100000000000",
    customer_id="10000002",
    company="Meridian Études & Conseil",
    first_name="Loïc",
    last_name="Nuñez",
    email="it@meridian-etudes.example",
    city="Besançon",
    zip_code="25000",
)
# An account of another company, which owns nothing.
EMPTY_ACCOUNT = Account(
    account_id="100000000003",
    paying_account_id="100000000003",
    customer_id="10000003",
    company="Atelier du Pré Vide",
    first_name="Maël",
    last_name="Garçon",
    email="contact@previde.example",
    city="Sète",
    zip_code="34200",
)
ACCOUNTS = {
    account.account_id: account for account in (PAYING_ACCOUNT, DEMO_ACCOUNT, LINKED_ACCOUNT, EMPTY_ACCOUNT)
}

# Root keys, which may do everything.
DEMO_KEY = _key("DEMO", DEMO_ACCOUNT.account_id)
SECOND_DEMO_KEY = _key("DEMO2", DEMO_ACCOUNT.account_id)
PAYING_KEY = _key("PAYING", PAYING_ACCOUNT.account_id)
LINKED_KEY = _key("LINKED", LINKED_ACCOUNT.account_id)
EMPTY_KEY = _key("EMPTY", EMPTY_ACCOUNT.account_id)
EU_WEST_2_ONLY_KEY = _key("EUWEST2", LINKED_ACCOUNT.account_id, regions=("eu-west-2",))
# Keys of users of the demo account (EIM users), which may do what their policy allows.
CONSUMPTION_ONLY_KEY = _key(
    "CONSUMPTION", DEMO_ACCOUNT.account_id, user="accountant", allowed=("api:ReadConsumptionAccount",)
)
READ_ONLY_KEY = _key("READONLY", DEMO_ACCOUNT.account_id, user="auditor", allowed=("api:Read*",))
REFUSED_KEY = _key("REFUSED", DEMO_ACCOUNT.account_id, user="guest", allowed=())
KEYS = {
    key.access_key: key
    for key in (
        DEMO_KEY,
        SECOND_DEMO_KEY,
        PAYING_KEY,
        LINKED_KEY,
        EMPTY_KEY,
        EU_WEST_2_ONLY_KEY,
        CONSUMPTION_ONLY_KEY,
        READ_ONLY_KEY,
        REFUSED_KEY,
    )
}


def crowd_key(number: int) -> AccessKey:
    """Return the root key of one of the accounts of a crowd, the first of which is 1."""
    return _key(f"CROWD{number:0>5}", f"2{number:0>11}")


def _crowd_account(number: int) -> Account:
    account_id = crowd_key(number).account_id
    return Account(
        account_id=account_id,
        paying_account_id=account_id,
        customer_id=f"2{number:0>7}",
        company=f"Coopérative n° {number}",
        first_name="Zoé",
        last_name="Lemaître",
        email=f"cloud@cooperative-{number}.example",
        city="Orléans",
        zip_code="45000",
    )


def _is_home(region: str, account_id: str) -> bool:
    """Tell whether it is the demo account where it is at home, which has what the others have not."""
    return (region, account_id) == ("eu-west-2", DEMO_ACCOUNT.account_id)


class Cloud:
    """The state of the sandbox: the same seed gives the same inventory in every run.

    With `size`, the demo account owns that many resources in each region. `crowd` is how many further
    accounts there are, each billed for itself, with a key as `crowd_key` tells. `consolidated_after_days`
    is how many days after its end a day of consumption can be read, 0 at first; a call that asks for a later
    day, among others or alone, is then refused.
    """

    def __init__(
        self, seed: int = 1, clock: Clock | None = None, *, size: int | None = None, crowd: int = 0
    ) -> None:
        self.seed = seed
        numbers = range(1, crowd + 1)
        self.accounts = ACCOUNTS | {
            crowd_key(number).account_id: _crowd_account(number) for number in numbers
        }
        self._keys = KEYS | {crowd_key(number).access_key: crowd_key(number) for number in numbers}
        self.clock = clock or Clock()
        self._size = size
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._catalogs: dict[str, tuple[Catalog, ...]] = {}
        self._inventories: dict[tuple[str, str], Inventory] = {}
        self._changed: dict[tuple[str, str], Inventory] = {}
        self._corrections: dict[tuple[str, str], dict[date, Fraction]] = {}
        self._remembered: dict[Hashable, Any] = {}
        self._week = 0
        self._of_the_week: dict[tuple[str, str], Inventory] = {}
        self._is_changed = False
        self.reset()

    def reset(self) -> None:
        """Bring back the original prices, inventories and consumption, and the real time."""
        self.clock.reset()
        with self._lock:
            self.consolidated_after_days = 0
            self._corrections.clear()
            self._catalogs = {region: (Catalog(price_list(region)),) for region in REGIONS}
            self._changed.clear()
            # A large account takes long to tell anew: only what has changed is forgotten.
            if self._is_changed:
                self._remembered.clear()
            self._is_changed = False

    def key(self, region: str, access_key: str) -> AccessKey | None:
        """Return a key by its public half, or None when the region does not know it."""
        key = self._keys.get(access_key)
        return key if key and region in key.regions else None

    def prices(self, region: str) -> Mapping[Key, Entry]:
        """Return the present catalog of a region by key; a later change does not touch what was returned."""
        return self._catalogs[region][-1].entries

    def catalogs(self, region: str) -> tuple[Catalog, ...]:
        """Return the price lists a region has had, the present one last."""
        return self._catalogs[region]

    def set_price(self, region: str, key: Key, price: Decimal | str) -> None:
        """Change the price of one entry from now on, in the region's currency.

        Consumption is told at the new price throughout, also for days before; `catalogs` keeps the old one.
        """
        with self._lock:
            entries = self.prices(region)
            changed = entries[key]._replace(unit_price=Decimal(price))
            self._put_in_force(region, {**entries, key: changed})

    def remove_price(self, region: str, key: Key) -> None:
        """Take one entry out of a catalog from now on."""
        with self._lock:
            entries = dict(self.prices(region))
            del entries[key]
            self._put_in_force(region, entries)

    def inventory(self, region: str, account_id: str) -> Inventory:
        """Return what an account owns in a region, with the tags that it has this week."""
        owner = (region, account_id)
        with self._lock:
            self._turn_the_week()
            if owner in self._changed:
                return self._changed[owner]
            if owner not in self._inventories:
                self._inventories[owner] = self._build(region, account_id)
            if owner not in self._of_the_week:
                self._of_the_week[owner] = as_of(self._inventories[owner], self._week)
            return self._of_the_week[owner]

    def set_inventory(self, inventory: Inventory) -> None:
        """Change what an account owns in a region from now on, as if it always had been so."""
        with self._lock:
            self._changed[inventory.region, inventory.account_id] = inventory
            self._forget()

    def remembered(self, question: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` made of inventories and prices for a question, anew once these have changed."""
        with self._lock:
            self._turn_the_week()
            if question not in self._remembered:
                self._remembered[question] = make()
            return self._remembered[question]

    def buckets(self, region: str, account_id: str) -> tuple[Bucket, ...]:
        """Return what an account keeps in the object storage of a region; `size` does not change it."""
        if account_id == EMPTY_ACCOUNT.account_id:
            return ()
        return self.remembered(
            (region, account_id, "buckets"), lambda: build_buckets(self.seed, REGIONS[region], account_id)
        )

    def clusters(self, region: str, account_id: str) -> tuple[Cluster, ...]:
        """Return the Kubernetes clusters of an account in a region; only consumption ever tells of them."""
        return build_clusters(self.seed, REGIONS[region], account_id) if _is_home(region, account_id) else ()

    def past(self, region: str, account_id: str) -> Past:
        """Return what an account had in a region and is gone by now; `size` does not change it."""
        is_home = _is_home(region, account_id)
        workers = 16 if is_home else 2
        if account_id == EMPTY_ACCOUNT.account_id:
            workers = 0
        return Past(self.seed, region, account_id, workers, is_eventful=is_home)

    def correct(self, region: str, account_id: str, day: date, factor: Decimal | str | int) -> None:
        """Multiply all that was consumed on a day by a factor from now on, in the place of an earlier one."""
        with self._lock:
            corrections = self._corrections.get((region, account_id), {})
            self._corrections[region, account_id] = {**corrections, day: Fraction(factor)}

    def corrections(self, region: str, account_id: str) -> Mapping[date, Fraction]:
        """Return the factors by which days are corrected; a later one does not touch what was returned."""
        return self._corrections.get((region, account_id), {})

    def _put_in_force(self, region: str, entries: Mapping[Key, Entry]) -> None:
        now = self.clock.now()
        *past, present = self._catalogs[region]
        self._catalogs[region] = (*past, present._replace(until=now), Catalog(entries, since=now))
        self._forget()

    def _turn_the_week(self) -> None:
        """Forget what was told of tags that are others by now."""
        week = week_of(self.clock.now().date())
        if week != self._week:
            self._week = week
            self._of_the_week.clear()
            self._remembered.clear()

    def _forget(self) -> None:
        self._remembered.clear()
        self._is_changed = True

    def _build(self, region: str, account_id: str) -> Inventory:
        if account_id == EMPTY_ACCOUNT.account_id:
            return Inventory(region, account_id)
        if self._size is not None and account_id == DEMO_ACCOUNT.account_id:
            return build_sized(self.seed, REGIONS[region], account_id, self._size)
        neighbours = (DEMO_ACCOUNT.account_id,) if account_id == PAYING_ACCOUNT.account_id else ()
        return build(self.seed, REGIONS[region], account_id, neighbours)

    def request_id(self) -> str:
        """Return the next request id: a UUID, the same ones in the same order for a seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
