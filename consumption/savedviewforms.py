"""How a saved view is named."""

import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consumption.savedviewmodel import LONGEST_VIEW_NAME
from consumption.savedviews import MOST_VIEWS

_SEEN = "LNPS"
"""The kinds of characters that can be seen: letters, numbers, punctuation, symbols."""


def clean_name(name: str) -> str:
    """Return a name as it is kept: in one spelling of its accents, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


class RenameForm(forms.Form):
    """The name of a saved view."""

    name = forms.CharField(
        label=_("Name"), max_length=LONGEST_VIEW_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    taken_name = ""
    """The name that another view has."""

    def clean_name(self) -> str:
        """Return the name as it is kept; refuse one of which nothing can be seen."""
        name = clean_name(self.cleaned_data["name"])
        if not any(unicodedata.category(character)[0] in _SEEN for character in name):
            raise forms.ValidationError(_("A name needs a letter or a digit."))
        return name

    def refuse_taken(self) -> None:
        """Say that another view has the name."""
        self.taken_name = self.cleaned_data["name"]
        self.add_error("name", _("Another of your views is called like this."))


class SaveForm(RenameForm):
    """The name under which a view is saved; ``replace`` repeats that of the view to be replaced."""

    replace = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the fields on a page that has other forms."""
        super().__init__(*args, auto_id="view_%s", **kwargs)

    @property
    def replaces(self) -> bool:
        """Tell whether the view that has this very name was agreed to be replaced."""
        return clean_name(self.cleaned_data["replace"]) == self.cleaned_data["name"]

    def refuse_more(self) -> None:
        """Say that there are as many views as are kept."""
        problem = _("You have %(most)s saved views, as many as are kept. Delete one first.")
        self.add_error("name", forms.ValidationError(problem, params={"most": MOST_VIEWS}))
