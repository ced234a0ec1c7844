"""Template filters that name what the catalog sells."""

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from costs import products
from costs.pricelist import PriceKey

register = template.Library()


@register.filter
def product(key: PriceKey) -> str:
    """Name a product of the catalog."""
    return products.name(key)


@register.filter
def breakable(code: str) -> SafeString:
    """Let a code of the cloud, such as ``BSU:VolumeUsage:gp2``, break after its colons."""
    return mark_safe(escape(code).replace(":", ":<wbr>"))  # noqa: S308 - escaped, and the tag is ours


@register.filter
def category(name: str) -> str:
    """Name a category of the catalog."""
    return products.category_name(name)
