"""Template filters of the current cost."""

import datetime as dt
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from costs import currentcost
from costs.inventory import Missing
from costs.money import RATE_PLACES, round_for_display, show_money, show_number, show_percent

register = template.Library()


@register.filter
def rate(amount: Decimal, currency: str) -> str:
    """Write the cost of an hour with four decimals."""
    return show_money(amount, currency, places=RATE_PLACES)


@register.filter
def quantity(value: Decimal) -> str:
    """Write a quantity, rounded to four decimals where it has more."""
    return show_number(round_for_display(value, RATE_PLACES).normalize())


@register.filter
def one_decimal(share: Decimal | int) -> str:
    """Write a share in percent with at most one decimal."""
    return show_percent(round_for_display(Decimal(share), 1))


@register.filter
def for_meter(share: Decimal) -> str:
    """Write a share in percent for an attribute, whatever the reader's language."""
    return f"{round_for_display(share, 1):f}"


@register.simple_tag
def at_least(lacks: object) -> SafeString | str:
    """Put a sign before an amount that lacks something, with words for who hears the page."""
    return format_html('<span class="visually-hidden">{}</span>≥ ', _("at least")) if lacks else ""


@register.simple_tag
def at_most(lacks: object) -> SafeString | str:
    """Put a sign before what is left beside an amount that lacks something."""
    return format_html('<span class="visually-hidden">{}</span>≤ ', _("at most")) if lacks else ""


@register.filter
def is_just_now(moment: dt.datetime, now: dt.datetime) -> bool:
    """Tell whether something is less than a minute old."""
    return now - moment < dt.timedelta(minutes=1)


@register.filter
def age(moment: dt.datetime, now: dt.datetime) -> str:
    """Say how old something is: ``just now``, ``3 minutes old``."""
    if is_just_now(moment, now):
        return _("just now")
    return _("%(age)s old") % {"age": timesince(moment, now)}


@register.filter
def type_word(type_: str) -> str:
    """Name one resource of a kind: ``Volume``."""
    return currentcost.type_word(type_)


@register.filter
def why(missing: Missing) -> str:
    """Say in a word why a list is missing."""
    words = {
        "PERMISSION_REFUSED": _("Refused"),
        "CLOUD_THROTTLED": _("Throttled"),
        "CLOUD_TIMEOUT": _("No answer in time"),
        "CLOUD_UNAVAILABLE": _("Not available"),
    }
    return words.get(missing.code, _("Not read"))
