"""Template filters that name what the catalog sells."""

from django import template

from costs import products
from costs.pricelist import PriceKey

register = template.Library()


@register.filter
def product(key: PriceKey) -> str:
    """Name a product of the catalog."""
    return products.name(key)


@register.filter
def category(name: str) -> str:
    """Name a category of the catalog."""
    return products.category_name(name)
