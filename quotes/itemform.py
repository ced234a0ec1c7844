"""What a customer may say of any item of a quote, and how it is priced while it is checked."""

from typing import Any, ClassVar

from django import forms
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import regions
from costs import products
from costs.pricelist import PriceKey, PriceList, PriceMissing
from costs.pricing import NotPriceable, Price
from quotes import resources
from quotes.editing import ItemData
from quotes.models import Quote, QuoteGroup, QuoteItem
from quotes.resources import ResourceType

LARGEST_QUANTITY = 1_000_000


class ItemForm(forms.Form):
    """An item of a quote: what every resource has. A subclass adds the parameters of its resource.

    A valid form carries the ``price`` of one resource; what the catalog cannot price whole is not valid. An
    item that is ``kept`` already keeps its price as long as it stays the same resource in the same region.
    """

    resource_type: ClassVar[ResourceType]
    parameter_names: ClassVar[tuple[str, ...]] = ()
    wide: ClassVar[tuple[str, ...]] = ("entry", "product_codes", "size", "volume_type")
    """The fields whose choices are long."""
    priced_by: ClassVar[str] = "region"
    """The field to blame when the catalog has no price."""

    region = forms.ChoiceField(label=gettext_lazy("Region"))
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), min_value=1, max_value=LARGEST_QUANTITY)
    group_id = forms.ModelChoiceField(
        label=gettext_lazy("Group"),
        queryset=QuoteGroup.objects.none(),
        required=False,
        empty_label=gettext_lazy("No group"),
        error_messages={"invalid_choice": gettext_lazy("This group is no longer there.")},
    )
    resource_name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, required=False, empty_value=""
    )

    def __init__(
        self, *args: Any, quote: Quote, prices: PriceList | None, kept: QuoteItem | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.prices = prices
        self.kept = kept
        self.price: Price | None = None
        self.why_unpriced = ""
        self.fields["region"].choices = [(name, name) for name in regions.names()]
        self.fields["group_id"].queryset = quote.groups.order_by("display_order", "pk")
        if prices is not None:
            self.offer(prices)
        for field in self._choices_of_the_catalog:
            if prices is not None:
                self._say_when_nothing_is_offered(field, prices.region)
            self._offer_what_was_chosen(field)

    def offer(self, prices: PriceList) -> None:
        """Set the choices that depend on what the region's catalog has."""

    @property
    def _choices_of_the_catalog(self) -> list[forms.BoundField]:
        """The fields that offer what the catalog has; pricing, and not the field, judges what is chosen."""
        selects = (field for field in self.parameter_fields if isinstance(field.field.widget, forms.Select))
        return [field for field in selects if not isinstance(field.field, forms.ChoiceField)]

    def _say_when_nothing_is_offered(self, field: forms.BoundField, region: str) -> None:
        if not list(field.field.widget.choices):
            nothing = _("The catalog of %(region)s offers none.") % {"region": region}
            field.field.error_messages["required"] = field.field.help_text = nothing

    def _offer_what_was_chosen(self, field: forms.BoundField) -> None:
        """Keep a choice that the catalog of now does not offer; pricing will say whether it can stay."""
        chosen, widget = field.value(), field.field.widget
        offered = {str(value) for value, _label in flatten_choices(widget.choices)}
        if isinstance(chosen, str | int) and chosen != "" and str(chosen) not in offered:
            widget.choices = [*widget.choices, (chosen, self.label_of(field.name, chosen))]

    def label_of(self, name: str, value: Any) -> str:
        """Return what to call a choice of the field ``name`` that the catalog does not offer."""
        return str(value)

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        """The fields of this kind of resource only, for the page."""
        return [self[name] for name in self.fields if name not in ItemForm.base_fields]

    @classmethod
    def fields_of(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of the JSON API as values of this form's fields."""
        return dict(parameters)

    @classmethod
    def initial_of(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of a kept item as what the builder's fields show."""
        return cls.fields_of(parameters)

    def parameters(self) -> dict[str, Any]:
        """Return the checked parameters as the JSON API names them."""
        return {name: self.cleaned_data[name] for name in self.parameter_names}

    def clean(self) -> dict[str, Any]:
        """Price the resource once all its fields are right."""
        if not self.errors:
            self._price()
        return self.cleaned_data

    def _is_still(self, kept: QuoteItem) -> bool:
        said = (self.resource_type, self.cleaned_data["region"], self.parameters())
        return said == (kept.resource_type, kept.region, kept.parameters)

    def _price(self) -> None:
        if self.kept and self._is_still(self.kept):
            self.price = self.kept.unit_price
            return
        if self.prices is None:
            self._refuse("region", _("The prices of this region are not known yet. Try again in a minute."))
            return
        try:
            self.price = resources.price_of(self.resource_type, self.parameters(), self.prices)
        except PriceMissing as error:
            self._refuse(self.field_of(error.key), _no_price(error.key, self.prices.region))
        except NotPriceable as error:
            self._refuse(self.field_of(error.key), _not_priceable(error))

    def _refuse(self, field: str, reason: str) -> None:
        self.why_unpriced = reason
        self.add_error(field, reason)

    def field_of(self, key: PriceKey) -> str:
        """Return the field to blame when ``key`` has no price."""
        return self.priced_by

    def item(self) -> ItemData:
        """Return what a valid form says."""
        data = self.cleaned_data
        return ItemData(
            resource_type=self.resource_type.value,
            region=data["region"],
            parameters=self.parameters(),
            quantity=data["quantity"],
            resource_name=data["resource_name"],
            group=data["group_id"],
        )


def _no_price(key: PriceKey, region: str) -> str:
    return _("The catalog of %(region)s has no price for %(name)s (%(type)s).") % {
        "region": region,
        "name": products.name(key),
        "type": key.type,
    }


def _not_priceable(error: NotPriceable) -> str:
    name = {"name": products.name(error.key)}
    if error.is_surplus:
        return _("%(name)s has no price by itself.") % name
    return _("Whether the price of %(name)s is for an hour, a month or once is not published.") % name
