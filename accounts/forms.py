"""The login form, of the page and of the API."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import regions
from accounts.errors import (
    AccountClosed,
    AuthenticationRefused,
    CloudAnswerInvalid,
    CloudUnavailable,
    KeyLocked,
    LoginBusy,
    LoginThrottled,
    PermissionRefused,
    PortalError,
    Throttled,
)
from accounts.models import LONGEST_ACCOUNT_NAME

_FIELD_OF_ERROR: dict[type[PortalError], str] = {
    AuthenticationRefused: "secret_key",
    KeyLocked: "access_key",
    LoginBusy: "access_key",
    LoginThrottled: "access_key",
    PermissionRefused: "access_key",
    AccountClosed: "access_key",
    CloudUnavailable: "region",
    CloudAnswerInvalid: "region",
    Throttled: "region",
}
"""Beside which field an error is shown; the others, such as a wrong clock, concern no field."""


def _region_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in regions.names()]


class LoginForm(forms.Form):
    """An access key, its secret key, and the region in which they were made.

    The form refuses only what no key can be and what an HTTP header cannot carry; OUTSCALE judges the rest.
    """

    access_key = forms.CharField(
        label=_("Access key"),
        max_length=128,
        help_text=_("20 characters, as shown in Cockpit"),
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9]+\Z", _("An access key has only letters and digits. Please copy it again.")
            )
        ],
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    secret_key = forms.CharField(
        label=_("Secret key"),
        max_length=256,
        validators=[
            RegexValidator(
                r"\A[!-~]+\Z",
                _("A secret key has no spaces, accents or invisible characters. Please copy it again."),
            )
        ],
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    region = forms.ChoiceField(
        label=_("Region"),
        choices=_region_choices,
        error_messages={
            "invalid_choice": _(
                "The portal does not know the region “%(value)s”. Please choose one of the list."
            )
        },
    )

    def refuse(self, error: PortalError) -> None:
        """Show ``error``, met while logging in, beside the field it concerns."""
        field = next((_FIELD_OF_ERROR[kind] for kind in type(error).__mro__ if kind in _FIELD_OF_ERROR), None)
        self.add_error(field, _message(error))


class AccountNameForm(forms.Form):
    """What the user calls an account; empty for the name that OUTSCALE knows."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=LONGEST_ACCOUNT_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> str:
        """Return the name in one line, without anything that cannot be seen."""
        name = " ".join(self.cleaned_data["name"].split())
        if not all(character.isprintable() for character in name):
            raise forms.ValidationError(_("A name has no invisible characters. Please type it again."))
        return name


class KeyForm(AccountNameForm, LoginForm):
    """The keys of one more account or region, and what the user calls the account."""

    field_order = ["access_key", "secret_key", "region", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Say what an empty name means."""
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("Left empty, the account keeps the name that OUTSCALE knows.")


def _message(error: PortalError) -> str | Promise:
    if isinstance(error, AuthenticationRefused) and error.retry_after:
        return format_lazy("{} {}", error.message, _wait(error.retry_after))
    return error.message


def _wait(seconds: int) -> str:
    return ngettext(
        "This was the last try for now: please wait %(seconds)d second.",
        "This was the last try for now: please wait %(seconds)d seconds.",
        seconds,
    ) % {"seconds": seconds}
