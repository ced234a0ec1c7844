"""Template filters of budgets."""

from decimal import Decimal

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from budgets.words import Tag
from costs.money import round_for_display, show_percent

register = template.Library()


@register.simple_tag
def status_tag(tag: Tag) -> SafeString:
    """Write how something is doing: a report has thousands of them, for which a template is too slow."""
    return format_html(
        '<span class="osc-tag {}">'
        '<svg class="icon icon-s" aria-hidden="true"><use href="{}#{}"/></svg> {}</span>',
        tag.kind,
        static("icons.svg"),
        tag.icon,
        tag.text,
    )


@register.simple_tag
def verdict(tag: Tag, period: str) -> SafeString:
    """Write how a period ended as a small icon with its words: a list has hundreds of them."""
    label = gettext("%(label)s: %(value)s") % {"label": period, "value": tag.text}
    return format_html(
        '<li class="{}" title="{}">'
        '<svg class="icon icon-s" role="img" aria-label="{}"><use href="{}#{}"/></svg></li>',
        tag.kind,
        label,
        label,
        static("icons.svg"),
        tag.icon,
    )


@register.filter
def used(percent: Decimal | None) -> str:
    """Write how much of an amount is used, with one decimal; unknown is an en dash."""
    return "–" if percent is None else show_percent(percent, places=1)


@register.filter
def for_progress(percent: Decimal) -> str:
    """Write a share of at most a hundred percent for an attribute, whatever the reader's language."""
    return f"{round_for_display(min(max(percent, Decimal(0)), Decimal(100)), 1):f}"
