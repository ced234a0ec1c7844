"""Template filters of the consumption."""

from decimal import Decimal

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from costs.money import round_for_display, show_percent, show_signed

register = template.Library()


@register.filter
def signed_percent(value: Decimal) -> str:
    """Write a change in percent with its sign and one decimal."""
    rounded = round_for_display(value, 1)
    return f"+{show_percent(rounded, places=1)}" if rounded > 0 else show_percent(rounded, places=1)


@register.filter
def signed_money(amount: Decimal, currency: str) -> str:
    """Write a difference of amounts with its sign."""
    return show_signed(amount, currency)


@register.filter
def share(percent: Decimal | int) -> str:
    """Write a share in percent with one decimal; a little is not nothing."""
    shown = show_percent(Decimal(percent), places=1)
    return f"< {show_percent(Decimal('0.1'), places=1)}" if 0 < percent < Decimal("0.05") else shown


@register.filter
def error(percent: Decimal) -> str:
    """Write how far a forecast erred, in percent with two decimals: a good one errs by little."""
    return show_percent(percent, places=2)


@register.filter
def time_left(seconds: int) -> str:
    """Say about how long something still takes."""
    if seconds < 90:
        return ngettext("About %(count)s second left.", "About %(count)s seconds left.", seconds) % {
            "count": seconds
        }
    return _("About %(count)s minutes left.") % {"count": round(seconds / 60)}
