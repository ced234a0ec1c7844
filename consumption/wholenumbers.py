"""Stored figures as the whole numbers of 10⁻¹⁰ that they are: they add exactly, and fast."""

from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, Sum

from costs.money import STORED_STEP

SAFE_SUM = 2**62
"""Numbers that add up to less are added as machine words, others as Python's own, which have no end."""


def amount_of(whole: int) -> Decimal:
    """Turn a sum of stored whole numbers into the amount that it is."""
    return whole * STORED_STEP


def whole_number(name: str) -> ExpressionWrapper:
    """Return a stored figure as the whole number of 10⁻¹⁰ that it is, to read or to add."""
    return _Whole(F(name), output_field=BigIntegerField())


class _Whole(ExpressionWrapper):
    """A stored figure as the whole number of 10⁻¹⁰ that it is."""

    def get_db_converters(self, _connection: Any) -> list[Any]:
        """Convert nothing: it is a number already, and there are a hundred thousand of them."""
        return []


class WholeSum(Sum):
    """A sum of such numbers; PostgreSQL gives it as a ``Decimal``."""

    def get_db_converters(self, _connection: Any) -> list[Any]:
        """Convert nothing: there are ten thousand of them."""
        return []
