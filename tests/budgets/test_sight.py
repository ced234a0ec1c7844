"""What is counted for a budget while nobody is logged in: what a key of its owner may read."""

import pytest

from budgets.models import Budget
from budgets.sight import visible_to_readers
from consumption.models import LedgerReader
from costs.snapshots import reader_of
from sandbox.cloud import CONSUMPTION_ONLY_KEY, DEMO_KEY, LINKED_KEY
from tests.budgets.budgets import make_budget, owner
from tests.consumption.days import make_ledger

pytestmark = pytest.mark.django_db
MINE = reader_of(DEMO_KEY.access_key)


def test_only_ledgers_of_the_owner_that_a_reader_of_the_budget_may_read_are_seen(django_assert_num_queries):
    here, there = make_ledger(), make_ledger(region="us-east-2", reader=CONSUMPTION_ONLY_KEY)
    foreign = make_ledger(LINKED_KEY.account_id)
    refused = make_ledger(region="us-west-1")
    LedgerReader.objects.filter(ledger=refused).update(refusal="PERMISSION_REFUSED")
    both = [MINE, reader_of(CONSUMPTION_ONLY_KEY.access_key)]
    expected = {
        make_budget(readers=[MINE]).pk: {here.pk},
        make_budget(readers=both).pk: {here.pk, there.pk},
        make_budget(readers=[]).pk: set(),
        make_budget(readers=["somebody else"]).pk: set(),
        make_budget(readers=[MINE], of=owner(LINKED_KEY.account_id)).pk: {foreign.pk},
        make_budget(readers=both[1:], of=owner(LINKED_KEY.account_id)).pk: set(),
    }
    budgets = list(Budget.objects.select_related("owner"))
    with django_assert_num_queries(1):
        assert visible_to_readers(budgets) == expected
