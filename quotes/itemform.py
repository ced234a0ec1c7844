"""What a customer may say of any item of a quote, and how it is priced while it is checked."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import regions
from costs import products
from costs.pricelist import PriceKey, PriceList, PriceMissing
from costs.pricing import NotPriceable, Price
from quotes import resources
from quotes.editing import ItemData
from quotes.models import Quote, QuoteGroup
from quotes.resources import ResourceType

LARGEST_QUANTITY = 1_000_000


class ItemForm(forms.Form):
    """An item of a quote: what every resource has. A subclass adds the parameters of its resource.

    A valid form carries the ``price`` of one resource; what the catalog cannot price whole is not valid.
    """

    resource_type: ClassVar[ResourceType]
    parameter_names: ClassVar[tuple[str, ...]] = ()
    priced_by: ClassVar[str] = "region"
    """The field to blame when the catalog has no price."""

    region = forms.ChoiceField(label=gettext_lazy("Region"))
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), min_value=1, max_value=LARGEST_QUANTITY)
    group_id = forms.ModelChoiceField(
        label=gettext_lazy("Group"),
        queryset=QuoteGroup.objects.none(),
        required=False,
        empty_label=gettext_lazy("No group"),
    )
    resource_name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, required=False, empty_value=""
    )

    def __init__(self, *args: Any, quote: Quote, prices: PriceList | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prices = prices
        self.price: Price | None = None
        self.why_unpriced = ""
        self.fields["region"].choices = [(name, name) for name in regions.names()]
        self.fields["group_id"].queryset = quote.groups.order_by("display_order", "pk")
        if prices is not None:
            self.offer(prices)
        else:
            self._offer_what_was_chosen()

    def offer(self, prices: PriceList) -> None:
        """Set the choices that depend on what the region's catalog has."""

    def _offer_what_was_chosen(self) -> None:
        """Keep the choices that were made while there is no catalog to choose from."""
        for field in self.parameter_fields:
            if isinstance(field.field.widget, forms.Select) and not field.field.widget.choices:
                field.field.widget.choices = [(field.value(), field.value())] if field.value() else []

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
        if self.prices is None and "region" not in self.errors:
            self.errors.clear()  # nothing else can be judged without the catalog
            self._refuse("region", _("The prices of this region are not known yet. Try again in a minute."))
        elif not self.errors:
            self._price()
        return self.cleaned_data

    def _price(self) -> None:
        try:
            self.price = resources.price_of(self.resource_type, self.parameters(), self.prices)
        except PriceMissing as error:
            self._refuse(self.field_of(error.key), _no_price(error.key, self.prices.region))
        except NotPriceable as error:
            self._refuse(
                self.priced_by, _("%(name)s has no price by itself.") % {"name": products.name(error.key)}
            )

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
