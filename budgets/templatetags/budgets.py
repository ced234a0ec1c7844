"""Template filters of budgets."""

from decimal import Decimal

from django import template

from costs.money import round_for_display, show_percent

register = template.Library()


@register.filter
def used(percent: Decimal | None) -> str:
    """Write how much of an amount is used, with one decimal; unknown is an en dash."""
    return "–" if percent is None else show_percent(percent, places=1)


@register.filter
def for_progress(percent: Decimal) -> str:
    """Write a share of at most a hundred percent for an attribute, whatever the reader's language."""
    return f"{round_for_display(min(max(percent, Decimal(0)), Decimal(100)), 1):f}"
