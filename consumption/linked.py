"""Accounts that are billed to another one: whose consumption stands in a ledger, and counts only once.

A paying account's ledger also holds what is billed to it of other accounts (``Overall`` of OUTSCALE
ReadConsumptionAccount). Where such an account has a ledger of its own in the same question, that one counts:
its days are read with its own key, and its resources and tags are known there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db.models import F, Q, QuerySet

from consumption.models import Ledger


def counted_once(rows: QuerySet, ledgers: Iterable[Ledger], *, ledger: str, with_linked: bool) -> QuerySet:
    """Keep the rows that belong to a question to some ledgers, those of each account in a region once.

    ``ledger`` is how a row names its ledger, as in a lookup. Without ``with_linked`` only what the account of
    each ledger has consumed itself belongs to it.
    """
    accounts = accounts_by_region(ledgers)
    own = Q(account_id=F(f"{ledger}__account_id"))
    if not with_linked:
        names = set().union(*accounts.values())
        return rows.filter(account_id=names.pop()) if len(names) == 1 else rows.filter(own)
    for region, names in accounts.items():
        if len(names) > 1:
            rows = rows.exclude(Q(account_id__in=names) & Q(**{f"{ledger}__region": region}) & ~own)
    return rows


def accounts_by_region(ledgers: Iterable[Ledger]) -> dict[str, set[str]]:
    """Return the accounts that have a ledger of their own in each region."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in ledgers:
        found[one.region].add(one.account_id)
    return found


def counts_here(account_id: str, ledger: Ledger, accounts: Collection[str]) -> bool:
    """Tell whether the consumption of an account counts in a ledger, and not in one of its own.

    ``accounts`` are those that have a ledger of their own in the region.
    """
    return account_id == ledger.account_id or account_id not in accounts
