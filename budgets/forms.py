"""What a customer may say of a budget, for the pages and the JSON API."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from budgets.choices import Choices
from budgets.formfields import EmailsField, KnownField, PercentsField, TagsField
from budgets.models import DEFAULT_THRESHOLDS, LARGEST_AMOUNT, Budget, WebhookFormat
from budgets.periods import PeriodType
from budgets.scope import Scope
from budgets.webhooks import check_address
from consumption.forms import SINCE_THE_CLOUD
from costs.forms import AmountField
from costs.money import round_for_display, trimmed

MOST_THRESHOLDS = 10
MOST_EMAILS = 10
MOST_TAGS = 20
MOST_HINTS = 20
CENTS = 2

STARTS_WITHIN = dt.timedelta(days=3653)
"""Ten years: so far from today a budget may begin."""

ENDS_WITHIN = dt.timedelta(days=18263)
"""Fifty years: so far from today a budget may end."""

SCOPE_FIELDS = ("accounts", "regions", "categories", "services", "tags")

_DAY = "%Y-%m-%d"


def day_field(**kwargs: Any) -> forms.DateField:
    """Return a field for a day, which browsers help to choose."""
    widget = forms.DateInput(attrs={"type": "date"}, format=_DAY)
    return forms.DateField(widget=widget, input_formats=[_DAY], **kwargs)


def amount_field(**kwargs: Any) -> AmountField:
    """Return a field for an amount of money in whole cents that the database can keep."""
    field = AmountField(min_value=0, max_value=LARGEST_AMOUNT, decimal_places=CENTS, **kwargs)
    field.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}
    return field


class BudgetForm(forms.Form):
    """A budget; ``budget`` is the one that is changed, whose values may stay whatever this session knows."""

    name = forms.CharField(label=_("Name"), max_length=120)
    amount = amount_field(label=_("Amount per period, tax excluded"))
    currency = forms.ChoiceField(
        label=_("Currency"),
        error_messages={"invalid_choice": _("No region is billed in “%(value)s”.")},
    )
    growth_percent = AmountField(
        label=_("Growth per period, %"),
        help_text=_("Each period has so much more than the one before; a negative number makes it less."),
        required=False,
        min_value=-100,
        max_value=1000,
        decimal_places=2,
    )
    period_type = forms.ChoiceField(label=_("Period"), choices=PeriodType.choices)
    start_date = day_field(label=_("First day"), validators=[SINCE_THE_CLOUD])
    end_date = day_field(
        label=_("Last day, included"), required=False, help_text=_("Empty: it goes on until you end it.")
    )
    accounts = KnownField(label=_("Accounts"), required=False)
    regions = KnownField(label=_("Regions"), required=False)
    categories = KnownField(label=_("Categories"), required=False)
    services = KnownField(label=_("Services"), required=False)
    tags = TagsField(
        label=_("Tags"),
        most=MOST_TAGS,
        help_text=_(
            "One key=value on each line. Values of the same key are alternatives; "
            "of different keys all must be there."
        ),
    )
    actual_thresholds = PercentsField(
        label=_("When so much is spent, %"),
        most=MOST_THRESHOLDS,
        widget=forms.TextInput,
        help_text=_("Whole percentages of the budget with commas between them. Empty: no alert."),
    )
    forecast_thresholds = PercentsField(
        label=_("When so much is expected by the end, %"),
        most=MOST_THRESHOLDS,
        widget=forms.TextInput,
        help_text=_("Of the forecast for the end of the period. Empty: no alert."),
    )
    emails = EmailsField(
        label=_("Email addresses"),
        most=MOST_EMAILS,
        help_text=_("With commas or on lines of their own, at most 10."),
    )
    webhook_url = forms.CharField(
        label=_("Webhook"),
        required=False,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
        validators=[check_address],
    )
    webhook_format = forms.ChoiceField(label=_("Format of the webhook"), choices=WebhookFormat.choices)
    remove_webhook = forms.BooleanField(label=_("Send nothing to this webhook any more"), required=False)

    def __init__(
        self, *args: Any, choices: Choices, today: dt.date, budget: Budget | None = None, **kwargs: Any
    ) -> None:
        """Offer what the session knows, on the UTC day ``today``."""
        super().__init__(*args, **kwargs)
        self._choices = choices
        self._today = today
        self._budget = budget
        self._offer(budget.counted if budget else Scope())
        self._hint()

    def _offer(self, kept: Scope) -> None:
        """Offer what is known; what the budget counts already stays a choice."""
        known = self._choices
        offered = {
            "accounts": known.accounts,
            "regions": {name: name for name in known.currencies},
            "categories": known.categories,
            "services": known.services,
        }
        for name, values in offered.items():
            self.fields[name].offer(values | {one: one for one in getattr(kept, name) if one not in values})
        currencies = {self._budget.currency} if self._budget else set()
        currencies |= set(known.currencies.values())
        self.fields["currency"].choices = [(one, one) for one in sorted(currencies)]

    def _hint(self) -> None:
        """Say which tags there are, and what a change means for what is kept already."""
        if seen := self._seen_tags():
            hint = _("Seen so far: %(tags)s.") % {"tags": ", ".join(seen)}
            self.fields["tags"].help_text = f"{self.fields['tags'].help_text} {hint}"
        if not self._budget:
            del self.fields["remove_webhook"]
            self.fields["webhook_url"].help_text = _("The address that alerts are posted to.")
            return
        if self._budget.webhook_url:
            host = urlsplit(self._budget.webhook_url).hostname
            hint = _("An address at %(host)s is kept, and not shown. Empty: it stays.")
            self.fields["webhook_url"].help_text = hint % {"host": host}
        else:
            del self.fields["remove_webhook"]
        if self._budget.amounts.exists():
            dropped = _("Amounts of single periods that begin no period any more are dropped.")
            self.fields["start_date"].help_text = dropped

    def _seen_tags(self) -> list[str]:
        """Return some tags to choose from, without those keys that tell each resource apart."""
        few = [(key, values) for key, values in self._choices.tags.items() if len(values) <= MOST_HINTS]
        few.sort(key=lambda known: -len(known[1]))  # a key with one value parts nothing
        return [f"{key}={value}" for key, values in few for value in values][:MOST_HINTS]

    @property
    def asks_accounts(self) -> bool:
        """Tell whether there is an account to choose."""
        kept = self._budget.counted.accounts if self._budget else ()
        return bool(len(self.fields["accounts"].choices) > 1 or kept or self._choices.is_paying)

    @property
    def own_account(self) -> str:
        """The account of the owner, for people."""
        return self._choices.accounts[self._choices.account_id]

    def clean_name(self) -> str:
        """Return the name on one line; one without anything to see is none."""
        name = self.cleaned_data["name"]
        if not any(one.isprintable() and not one.isspace() for one in name):
            raise forms.ValidationError(self.fields["name"].error_messages["required"], code="required")
        return " ".join(name.split())

    def clean_growth_percent(self) -> Decimal:
        """Return the growth; without one there is none."""
        return self.cleaned_data["growth_percent"] or Decimal(0)

    def clean_start_date(self) -> dt.date:
        """Return the first day, which is not too far away."""
        return self._not_after("start_date", self._today + STARTS_WITHIN)

    def clean_end_date(self) -> dt.date | None:
        """Return the last day, which is not too far away."""
        return self._not_after("end_date", self._today + ENDS_WITHIN)

    def _not_after(self, name: str, latest: dt.date) -> dt.date | None:
        day = self.cleaned_data[name]
        if day and day > latest:
            problem = _("This day is too far away: the last one is %(day)s.")
            raise forms.ValidationError(problem, params={"day": date_format(latest, "j F Y")})
        return day

    def clean(self) -> dict[str, Any]:
        """Check what must fit together: the days, and the currency with the regions."""
        given = self.cleaned_data
        start, end = given.get("start_date"), given.get("end_date")
        if start and end and end < start:
            self.add_error("end_date", _("The last day is before the first one."))
        self._check_currency(given.get("currency"), given.get("regions", []))
        return given

    def _check_currency(self, currency: str | None, regions: list[str]) -> None:
        billed = self._choices.currencies
        others = [one for one in regions if currency and billed.get(one, currency) != currency]
        if others:
            problem = _("%(regions)s: billed in %(other)s, and this budget is in %(currency)s.")
            params = {"regions": ", ".join(others), "other": billed[others[0]], "currency": currency}
            self.add_error("regions", forms.ValidationError(problem, params=params))

    @property
    def budget_data(self) -> dict[str, Any]:
        """The values of a valid form by the names of the model's fields.

        The address of the webhook is only among them when it is to change.
        """
        given = dict(self.cleaned_data)
        scope = Scope(**{name: tuple(given.pop(name)) for name in SCOPE_FIELDS})
        address, removes = given.pop("webhook_url"), given.pop("remove_webhook", False)
        if address or removes:
            given["webhook_url"] = address
        return given | {"scope": scope.stored}


def defaults_of(choices: Choices, today: dt.date) -> dict[str, Any]:
    """Return what a new budget has when nothing else is said: everything, monthly, from this month on."""
    return {
        "currency": choices.default_currency,
        "growth_percent": Decimal(0),
        "period_type": PeriodType.MONTHLY,
        "start_date": today.replace(day=1),
        "actual_thresholds": list(DEFAULT_THRESHOLDS),
        "forecast_thresholds": list(DEFAULT_THRESHOLDS),
        "webhook_format": WebhookFormat.JSON,
    }


def values_of(budget: Budget) -> Mapping[str, Any]:
    """Return a budget as the values of ``BudgetForm``, without the address of its webhook."""
    same = ("name", "currency", "period_type", "start_date", "end_date", "emails", "webhook_format")
    return {
        **{name: getattr(budget, name) for name in same},
        **{name: list(getattr(budget.counted, name)) for name in SCOPE_FIELDS},
        "amount": round_for_display(budget.amount),
        "growth_percent": trimmed(budget.growth_percent),
        "actual_thresholds": budget.actual_thresholds,
        "forecast_thresholds": budget.forecast_thresholds,
    }
