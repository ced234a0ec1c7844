"""Money: exact in memory and in the database, rounded only when it is shown.

Amounts are ``Decimal`` and exclude tax; the currency (ISO 4217) travels beside them.
"""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any

from babel.core import Locale
from babel.numbers import NumberPattern, parse_pattern
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

HOURS_PER_MONTH = 730
"""The convention that joins hourly and monthly prices: 365 days × 24 hours ÷ 12."""

MONTHS_PER_YEAR = 12

STORED_STEP = Decimal("1e-10")
"""The smallest amount that the database keeps; the API's values carry ten decimals."""

RATE_PLACES = 4
"""How many decimals the cost of an hour is shown with."""

_STORED_LIMIT = 2**63 - 1
_WIDE = Context(prec=100)  # an amount of any size can be rounded


def round_for_display(amount: Decimal, places: int = 2) -> Decimal:
    """Round ``amount`` half up to ``places`` decimals: the one rounding of everything that people read."""
    rounded = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_WIDE)
    return rounded or abs(rounded)  # a zero has no sign


def round_for_storage(amount: Decimal) -> Decimal:
    """Round a product half to even to 10⁻¹⁰, once, when it is stored."""
    return amount.quantize(STORED_STEP, rounding=ROUND_HALF_EVEN, context=_WIDE)


def storable(amount: Decimal) -> Decimal | None:
    """Return ``amount`` as ``ScaledDecimalField`` keeps it, rounded; None when it is too large to be kept."""
    rounded = round_for_storage(amount)
    return rounded if abs(rounded.scaleb(10, _WIDE)) <= _STORED_LIMIT else None


def trimmed(amount: Decimal) -> Decimal:
    """Return ``amount`` for a program to read: at most ten decimals, rounded half up, no zeros at the end."""
    rounded = round_for_display(amount, 10).normalize(_WIDE)
    return rounded.quantize(Decimal(1), context=_WIDE) if rounded == rounded.to_integral() else rounded


def money_text(amount: Decimal) -> str:
    """Write an amount for a program to read: plain digits with a point, at most ten decimals."""
    return f"{trimmed(amount):f}"


def show_signed(amount: Decimal, currency: str) -> str:
    """Write a difference of amounts with its sign: ``+€1,234.56``."""
    shown = show_money(amount, currency)
    return f"+{shown}" if round_for_display(amount) > 0 else shown


def price_places(price: Decimal) -> int:
    """Return how many decimals show a unit price whole: at least three below ten, else two; at most ten."""
    least = 3 if abs(price) < 10 else 2
    return min(max(least, -price.normalize().as_tuple().exponent), 10)


def show_money(amount: Decimal, currency: str, *, places: int = 2) -> str:
    """Write ``amount`` in the reader's language: ``€1,234.56`` or ``1 234,56 €``.

    Raises ``ValueError`` when ``currency`` is empty: an amount without currency is never shown.
    """
    if not currency:
        raise ValueError("an amount needs its currency")
    return _written(round_for_display(amount, places), currency, places, get_language() or "en")


@lru_cache(maxsize=4096)  # the same prices stand on every page, and writing one takes a while
def _written(rounded: Decimal, currency: str, places: int, language: str) -> str:
    locale, pattern = _currency_pattern(language, places)
    return pattern.apply(rounded, locale, currency=currency, currency_digits=False).replace("-", "−")


@lru_cache
def _currency_pattern(language: str, places: int) -> tuple[Locale, NumberPattern]:
    locale = Locale.parse(language, sep="-")
    fraction = "." + "0" * places if places else ""
    return locale, parse_pattern(locale.currency_formats["standard"].pattern.replace("0.00", f"0{fraction}"))


def show_number(value: Decimal | int) -> str:
    """Write a quantity in the reader's language, with as many decimals as it has (at most ten)."""
    locale, pattern = _number_pattern(get_language() or "en")
    return pattern.apply(value, locale).replace("-", "−")


def show_percent(value: Decimal, *, places: int | None = None) -> str:
    """Write a percentage in the reader's language: ``40%`` or ``40 %``.

    With ``places`` it has as many decimals, so that a column lines up; else at most two, as it needs.
    """
    locale, pattern = _percent_pattern(get_language() or "en", "##" if places is None else "0" * places)
    rounded = round_for_display(value, 2 if places is None else places)
    return pattern.apply(rounded / 100, locale).replace("-", "−")


@lru_cache
def _percent_pattern(language: str, decimals: str) -> tuple[Locale, NumberPattern]:
    locale = Locale.parse(language, sep="-")
    return locale, parse_pattern(locale.percent_formats[None].pattern.replace("#,##0", f"#,##0.{decimals}"))


@lru_cache
def _number_pattern(language: str) -> tuple[Locale, NumberPattern]:
    return Locale.parse(language, sep="-"), parse_pattern("#,##0.##########")


class ScaledDecimalField(models.BigIntegerField):
    """A ``Decimal`` with up to ten decimals, kept as a whole number of 10⁻¹⁰.

    SQLite's own decimals keep 15 digits and their sums drift; integers add exactly inside SQLite and
    PostgreSQL alike. A value with more than ten decimals is refused, not rounded in silence: use
    ``round_for_storage`` first. The largest value is about 922 million.
    """

    description = _("Decimal kept as a whole number of 10⁻¹⁰")

    def from_db_value(self, value: int | None, expression: Any, connection: Any) -> Decimal | None:
        """Turn the stored whole number back into a ``Decimal``."""
        return None if value is None else Decimal(value).scaleb(-10)

    def to_python(self, value: Any) -> Decimal | None:
        """Accept ``Decimal``, whole numbers and decimal text, never ``float``."""
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, float):
            raise ValidationError(_("Money is never a binary fraction."), code="float")
        try:
            return Decimal(value)
        except ArithmeticError as error:
            raise ValidationError(_("“%(value)s” is not a number."), params={"value": value}) from error

    def get_prep_value(self, value: Any) -> int | None:
        """Scale to the whole number that is stored; raise ``ValueError`` for what it cannot hold exactly."""
        amount = self.to_python(value)
        if amount is None:
            return None
        if not amount.is_finite():
            raise ValueError(f"{amount} is not an amount")
        scaled = amount.scaleb(10)
        whole = int(scaled)
        if whole != scaled:
            raise ValueError(f"{amount} has more than ten decimals")
        if abs(whole) > _STORED_LIMIT:
            raise ValueError(f"{amount} is too large to be kept")
        return whole
