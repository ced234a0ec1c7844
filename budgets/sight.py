"""What may be counted for a budget while nobody is logged in: what the keys it was saved with have read."""

from collections.abc import Collection
from uuid import UUID

from budgets.models import Budget
from consumption.models import LedgerReader


def visible_to_readers(budgets: Collection[Budget]) -> dict[UUID, frozenset[int]]:
    """Return for each budget the ledgers that the cloud lets one of its readers read, of what it is about.

    Those are the ledgers of its owner's account and of the accounts that it names; accounts that are billed
    to another one may stand in the ledger of that, too. One query; the owners have to be loaded with the
    budgets.
    """
    readers = {reader for budget in budgets for reader in budget.readers}
    answered = LedgerReader.objects.filter(reader__in=readers, refusal="")
    seen: dict[str, list[tuple[int, str, bool | None]]] = {}
    for reader, *ledger in answered.values_list(
        "reader", "ledger_id", "ledger__account_id", "ledger__is_paying"
    ):
        seen.setdefault(reader, []).append(tuple(ledger))
    return {
        budget.pk: frozenset(
            pk
            for reader in budget.readers
            for pk, account_id, is_paying in seen.get(reader, ())
            if _concerns(budget, account_id, is_paying=bool(is_paying))
        )
        for budget in budgets
    }


def _concerns(budget: Budget, account_id: str, *, is_paying: bool) -> bool:
    named = budget.counted.accounts
    return account_id in {budget.owner.account_id, *named} or (bool(named) and is_paying)
