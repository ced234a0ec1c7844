"""Exchange rates that an operator has set: what allows a converted total, always named beside it."""

from collections.abc import Iterable
from decimal import Decimal

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

_PLACES = 10
_CODE = RegexValidator(r"\A[A-Z]{3}\Z", _("A currency has three capital letters, as EUR."))


class ExchangeRateQuerySet(models.QuerySet["ExchangeRate"]):
    """What pages ask of the rates."""

    def into(self, into: str, currencies: Iterable[str]) -> dict[str, "ExchangeRate"]:
        """Return the rates of some currencies into one, as far as they are set (one query).

        A rate counts only the way round in which it was set: the inverse is a rate of its own.
        """
        return {rate.currency: rate for rate in self.filter(into=into, currency__in=list(currencies))}


class ExchangeRate(models.Model):
    """What one unit of a currency is worth in another one, as an operator set it at ``set_at``.

    No bill is ever computed with it: it only says about how much bills in several currencies come to.
    """

    currency = models.CharField(_("currency"), max_length=3, validators=[_CODE])
    into = models.CharField(_("into"), max_length=3, validators=[_CODE])
    rate = models.DecimalField(
        _("rate"),
        max_digits=15,
        decimal_places=_PLACES,
        validators=[MinValueValidator(Decimal(1).scaleb(-_PLACES), _("A rate is larger than 0."))],
        help_text=_("What one unit of the first currency is worth in the second one."),
    )
    set_at = models.DateTimeField(_("set"), editable=False)

    objects = ExchangeRateQuerySet.as_manager()

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "into"],
                name="exchange_rate_once",
                violation_error_message=_("There is a rate of these currencies already: change that one."),
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$", into__regex=r"^[A-Z]{3}$"),
                name="exchange_rate_of_iso_codes",
            ),
            models.CheckConstraint(
                condition=~Q(currency=F("into")),
                name="exchange_rate_of_two_currencies",
                violation_error_message=_("A rate is between two different currencies."),
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_above_zero"),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate.normalize():f} {self.into}"
