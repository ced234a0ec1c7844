"""Template filters for amounts and quantities; the only way that a template shows either."""

from decimal import Decimal

from django import template

from costs.money import price_places, show_money, show_number, show_percent

register = template.Library()


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Write a total with two decimals; an unknown amount (None) is an en dash, never zero."""
    return "–" if amount is None else show_money(amount, currency)


@register.filter
def unit_price(price: Decimal, currency: str) -> str:
    """Write a unit price with as many decimals as it has, at least two or three; None is an en dash."""
    return "–" if price is None else show_money(price, currency, places=price_places(price))


@register.filter
def percent(value: Decimal) -> str:
    """Write a percentage; None is an en dash."""
    return "–" if value is None else show_percent(value)


@register.filter
def number(value: Decimal | int) -> str:
    """Write a quantity with the separators of the reader's language; None is an en dash."""
    return "–" if value is None else show_number(value)
