"""What can be asked of the catalog, and the fields that the forms of every floor share.

The same forms read the addresses of page, export and API.
"""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import EmptyPage, Page, Paginator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts import regions
from costs import browsing, products
from costs.pricelist import PriceList

LONGEST_SEARCH = 100
LONGEST_TEXT = 512
"""More than any name has: the key of a tag has at most 255 characters, its value too (OUTSCALE "Tags")."""

MOST_CONDITIONS = 20


def problems_of(form: forms.Form) -> list[str]:
    """Return what is wrong with the values of a form that is an address, one sentence for each."""
    return [
        str(_("%(field)s: %(problem)s")) % {"field": form[name].label, "problem": problem}
        for name, problems in form.errors.items()
        for problem in problems
    ]


def page_of(form: forms.Form, paginator: Paginator) -> Page | None:
    """Return the page that the field ``page`` asks for; None, and an error of the field, for no such page."""
    try:
        return paginator.page(form.cleaned_data["page"] or 1)
    except EmptyPage:
        problem = _("There is no such page: the last one is %(last)s.")
        form.add_error("page", forms.ValidationError(problem, params={"last": paginator.num_pages}))
        return None


class AmountField(forms.DecimalField):
    """A decimal as people write it: with the comma of their language, and with spaces between thousands."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(localize=True, **kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        """Return the number without its spaces."""
        return super().to_python("".join(value.split()) if isinstance(value, str) else value)


class TextsField(forms.Field):
    """Several texts under one name of an address; empty ones do not count."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[str]:
        """Return the texts, each once."""
        return list(dict.fromkeys(text for text in value or [] if text))

    def validate(self, value: list[str]) -> None:
        """Refuse too many texts, and what no text of this kind can be."""
        super().validate(value)
        if len(value) > MOST_CONDITIONS:
            raise forms.ValidationError(_("At most %(most)s at once."), params={"most": MOST_CONDITIONS})
        if any(len(text) > LONGEST_TEXT or "\x00" in text for text in value):
            raise forms.ValidationError(_("Nothing is called like this."))


def _region_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in regions.names()]


class RegionFilter(forms.Form):
    """The address of a list of one region: region and page."""

    region = forms.ChoiceField(
        label=_("Region"),
        required=False,
        choices=_region_choices,
        error_messages={"invalid_choice": _("“%(value)s” is no region of this portal.")},
    )
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)

    kept_in_address = ("region",)

    def clean_region(self) -> str:
        """Return the region asked for, or the first one."""
        return self.cleaned_data["region"] or regions.names()[0]

    @property
    def address(self) -> QueryDict:
        """The query that asks the same again, from the first page on, without refused and empty values."""
        address = QueryDict(mutable=True)
        for name in self.kept_in_address:
            if self.cleaned_data.get(name):
                address[name] = self.cleaned_data[name]
        return address

    @property
    def problems(self) -> list[str]:
        """What is wrong with the address, one sentence for each value."""
        return problems_of(self)

    def page_of(self, paginator: Paginator) -> Page | None:
        """Return the page asked for; a page that does not exist becomes an error of its field, and None."""
        return page_of(self, paginator)


class CatalogFilter(RegionFilter):
    """The address of the catalog page: region, search, category, order and page."""

    search = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": _("Search a product, like gp2 or windows")}
        ),
    )
    category = forms.CharField(label=_("Category"), required=False, max_length=255, widget=forms.Select)
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=[(sort, sort) for sort in browsing.SORTS],
        error_messages={"invalid_choice": _("The prices cannot be sorted by “%(value)s”.")},
    )

    kept_in_address = ("region", "search", "category", "sort")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer(products.CATEGORIES)

    def listing_of(self, prices: PriceList) -> browsing.Listing | None:
        """Return what answers the question; an unknown category becomes an error of its field, and None."""
        asked = {name: self.cleaned_data[name] for name in ("search", "category", "sort")}
        try:
            listing = browsing.listing(prices, **asked)
        except browsing.UnknownCategory:
            problem = _("No category is called “%(name)s”.")
            self.add_error("category", forms.ValidationError(problem, params={"name": asked["category"]}))
            return None
        self._offer(listing.categories)
        return listing

    def _offer(self, categories: list[str]) -> None:
        named = [(category, products.category_name(category)) for category in categories]
        self.fields["category"].widget.choices = [("", _("All categories")), *named]
