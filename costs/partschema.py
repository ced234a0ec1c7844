"""A part of a price as the JSON API gives it, in quotes and in the current cost alike."""

from ninja import Schema

from costs.money import money_text
from costs.pricing import Part


class PartOut(Schema):
    """One product in a price: quantity × unit_price of a catalog entry."""

    service: str
    type: str
    operation: str
    category: str
    quantity: str
    unit_price: str
    amount: str


def part_document(part: Part) -> dict[str, str]:
    """Return the fields of ``PartOut``; money is text."""
    return {
        "service": part.key.service,
        "type": part.key.type,
        "operation": part.key.operation,
        "category": part.category,
        "quantity": money_text(part.quantity),
        "unit_price": money_text(part.unit_price),
        "amount": money_text(part.amount),
    }
