"""What may be counted for a budget while nobody is logged in: what the keys of its owner have read."""

from collections.abc import Collection
from uuid import UUID

from budgets.models import Budget
from consumption.models import LedgerReader


def visible_to_readers(budgets: Collection[Budget]) -> dict[UUID, frozenset[int]]:
    """Return for each budget the ledgers of its owner's account that the cloud lets one of its readers read.

    One query; the owners have to be loaded with the budgets.
    """
    answered = LedgerReader.objects.filter(
        ledger__account_id__in={budget.owner.account_id for budget in budgets},
        reader__in={reader for budget in budgets for reader in budget.readers},
        refusal="",
    )
    seen: dict[tuple[str, str], set[int]] = {}
    for account_id, reader, ledger in answered.values_list("ledger__account_id", "reader", "ledger_id"):
        seen.setdefault((account_id, reader), set()).add(ledger)
    return {
        budget.pk: frozenset().union(
            *(seen.get((budget.owner.account_id, reader), ()) for reader in budget.readers)
        )
        for budget in budgets
    }
