"""What a customer may say of an item: a form for each kind of resource, for the pages and the JSON API."""

import json
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import regions
from costs import freshness, products
from costs.pricelist import PriceKey, PriceList, PriceMissing, product_code
from costs.pricing import LINUX, NotPriceable, Price, Tenancy
from costs.vmtypes import Performance, UnknownVmType, shape_of, tina_name
from quotes import resources
from quotes.editing import ItemData
from quotes.models import Quote, QuoteGroup, QuoteItem
from quotes.resources import ResourceType

LARGEST_QUANTITY = 1_000_000
LARGEST_SIZE_GIB = 100_000_000
LARGEST_IOPS = 1_000_000


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


class ProductCodesField(forms.Field):
    """The product codes of a VM: a list, or their text joined with commas (the value of one choice)."""

    widget = forms.Select

    def to_python(self, value: Any) -> list[str]:
        """Return the codes in the order given, each once; none means Linux."""
        codes = value.split(",") if isinstance(value, str) else value
        if codes in (None, "", [""], []):
            return [LINUX]
        if not isinstance(codes, list) or not all(isinstance(code, str) and code for code in codes):
            raise forms.ValidationError(_("Give the product codes as a list of texts, such as 0002."))
        return list(dict.fromkeys(codes))

    def prepare_value(self, value: Any) -> Any:
        """Return the value of the choice that has these codes."""
        return ",".join(map(str, value)) if isinstance(value, list) else value


_COMMON_LICENCES = (("0001",), ("0002",), ("0002", "0008"), ("0002", "0009"), ("0005",), ("0006",))


def _licence_choices(prices: PriceList) -> list[tuple[str, str]]:
    offered = [codes for codes in _COMMON_LICENCES if set(codes) <= set(prices.licences)]
    others = [(code,) for code in prices.licences if (code,) not in offered]
    return [_licence_choice(codes) for codes in [*offered, *others]]


def _licence_choice(codes: tuple[str, ...]) -> tuple[str, str]:
    return ",".join(codes), " + ".join(products.licence_name(code) for code in codes)


def _newest_first(generation: int) -> tuple[bool, int]:
    """Put the special generations (v104) after the ordinary ones."""
    return generation >= 100, -generation


class VmForm(ItemForm):
    """A VM, by its generation, vCores, memory and performance, or by the name of its type."""

    resource_type = ResourceType.VM
    parameter_names = ("vm_type", "product_codes", "tenancy")
    parts: ClassVar[tuple[str, ...]] = ("generation", "vcores", "ram_gib", "performance")

    generation = forms.TypedChoiceField(label=gettext_lazy("Generation"), coerce=int, required=False)
    vcores = forms.IntegerField(label=gettext_lazy("vCores"), min_value=1, max_value=9999, required=False)
    ram_gib = forms.IntegerField(label=gettext_lazy("RAM, GiB"), min_value=1, max_value=99999, required=False)
    performance = forms.TypedChoiceField(label=gettext_lazy("Performance"), coerce=int, required=False)
    vm_type = forms.CharField(label=gettext_lazy("Or VM type"), max_length=40, required=False)
    product_codes = ProductCodesField(label=gettext_lazy("Licence"), required=False)
    tenancy = forms.ChoiceField(label=gettext_lazy("Tenancy"), choices=Tenancy.choices, required=False)

    def offer(self, prices: PriceList) -> None:
        """Offer the generations, performances and licences that the region has."""
        levels = prices.core_levels
        generations = sorted({generation for generation, _level in levels}, key=_newest_first)
        performances = sorted({level for _generation, level in levels})
        self.fields["generation"].choices = [(number, number) for number in generations]
        self.fields["performance"].choices = [
            (level, products.performance_name(level).capitalize()) for level in performances
        ]
        choices = _licence_choices(prices)
        kept = self["product_codes"].value()
        if isinstance(kept, str) and kept and kept not in dict(choices):
            choices.append(_licence_choice(tuple(kept.split(","))))
        self.fields["product_codes"].widget.choices = choices

    @classmethod
    def initial_of(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """Show a TINA type by its parts, an AWS-style type by its name."""
        shape = shape_of(parameters["vm_type"])
        if not shape.name.startswith("tina"):
            return dict(parameters)
        return {**parameters, "vm_type": "", **{part: getattr(shape, part) for part in cls.parts}}

    def clean_tenancy(self) -> str:
        """Return the tenancy; none given is the default."""
        return self.cleaned_data["tenancy"] or Tenancy.DEFAULT.value

    def clean(self) -> dict[str, Any]:
        """Make one VM type of the name or the parts, then price it."""
        if not self.errors:
            self._clean_vm_type()
        return super().clean()

    def _clean_vm_type(self) -> None:
        data = self.cleaned_data
        if not data["vm_type"] and not self._has_parts():
            return
        name = data["vm_type"].lower() or tina_name(**{part: int(data[part]) for part in self.parts})
        try:
            data["vm_type"] = canonical_name(name)
        except UnknownVmType:
            example = _("Unknown VM type. Write it like tinav6.c4r8p2 or m5.large.")
            self.add_error("vm_type", example)

    def _has_parts(self) -> bool:
        missing = [part for part in self.parts if self.cleaned_data[part] in (None, "")]
        if len(missing) == len(self.parts):
            self.add_error("vm_type", _("Choose a VM by its parts, or write its type."))
        else:
            for part in missing:
                self.add_error(part, _("This field is needed, or write the VM type."))
        return not missing

    def field_of(self, key: PriceKey) -> str:
        """Blame the licence for a licence, the VM type for its cores, and the tenancy for its surplus."""
        if product_code(key):
            return "product_codes"
        return "tenancy" if "Dedicated" in key.type else "vm_type"


def canonical_name(name: str) -> str:
    """Return a VM type with its performance written out; raise ``UnknownVmType`` when there is none."""
    shape = shape_of(name)
    if not name.startswith("tina"):
        return name
    parts = {part: getattr(shape, part) for part in VmForm.parts}
    return tina_name(**parts)


def _size_field() -> forms.DecimalField:
    return forms.DecimalField(
        label=gettext_lazy("Size, GiB"),
        min_value=Decimal("0.001"),
        max_value=LARGEST_SIZE_GIB,
        max_digits=13,
        decimal_places=3,
        localize=True,
    )


class VolumeForm(ItemForm):
    """A volume: its type, whole GiB, and the provisioned IOPS of an io1."""

    resource_type = ResourceType.VOLUME
    parameter_names = ("volume_type", "size_gib", "iops")
    priced_by = "volume_type"

    volume_type = forms.ChoiceField(label=gettext_lazy("Volume type"))
    size_gib = forms.IntegerField(label=gettext_lazy("Size, GiB"), min_value=1, max_value=LARGEST_SIZE_GIB)
    iops = forms.IntegerField(
        label=gettext_lazy("IOPS (io1)"), min_value=1, max_value=LARGEST_IOPS, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ("standard", "gp2", "io1")
        self.fields["volume_type"].choices = [(name, products.volume_name(name)) for name in names]

    def clean(self) -> dict[str, Any]:
        """Ask for IOPS where they are provisioned and paid, and only there."""
        kind, iops = self.cleaned_data.get("volume_type"), self.cleaned_data.get("iops")
        if kind == "io1" and iops is None and "iops" not in self.errors:
            self.add_error("iops", _("An io1 volume needs its provisioned IOPS."))
        if kind in ("standard", "gp2") and iops is not None:
            self.add_error("iops", _("Only io1 volumes have IOPS to provision; the others include theirs."))
        return super().clean()

    def parameters(self) -> dict[str, Any]:
        """Leave the IOPS out where there are none."""
        return {name: value for name, value in super().parameters().items() if value is not None}


class SizeForm(ItemForm):
    """Something stored, by its GiB."""

    parameter_names = ("size_gib",)
    size_gib = _size_field()

    def parameters(self) -> dict[str, Any]:
        """Return the size as text, exact in JSON."""
        return {"size_gib": format(self.cleaned_data["size_gib"].normalize(), "f")}


class SnapshotForm(SizeForm):
    """Snapshots, by the GiB of their volumes."""

    resource_type = ResourceType.SNAPSHOT


class ObjectStorageForm(SizeForm):
    """Objects in OUTSCALE Object Storage, by GiB."""

    resource_type = ResourceType.OBJECT_STORAGE


class PublicIpForm(ItemForm):
    """Public IPs."""

    resource_type = ResourceType.PUBLIC_IP


class NatServiceForm(ItemForm):
    """NAT services."""

    resource_type = ResourceType.NAT_SERVICE


class LoadBalancerForm(ItemForm):
    """Load balancers."""

    resource_type = ResourceType.LOAD_BALANCER


class VpnConnectionForm(ItemForm):
    """VPN connections."""

    resource_type = ResourceType.VPN_CONNECTION


class FlexibleGpuForm(ItemForm):
    """Flexible GPUs of a model."""

    resource_type = ResourceType.FLEXIBLE_GPU
    parameter_names = ("model",)
    priced_by = "model"
    model = forms.CharField(label=gettext_lazy("Model"), max_length=60, widget=forms.Select)

    def offer(self, prices: PriceList) -> None:
        """Offer the models of the region."""
        self.fields["model"].widget.choices = [(name, products.gpu_name(name)) for name in prices.gpu_models]


class HostedField(forms.ChoiceField):
    """Whether a DirectLink port is hosted by a partner; accepts JSON's true and false, none is false."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [("false", gettext_lazy("Own port")), ("true", gettext_lazy("Hosted port"))]
        super().__init__(choices=choices, required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the value of the choice."""
        return str(value).lower() if isinstance(value, bool) else value

    def to_python(self, value: Any) -> str:
        """Return the value of the choice."""
        return str(self.prepare_value(value)) if value is not None else ""

    def clean(self, value: Any) -> bool:
        """Return whether the port is hosted."""
        return super().clean(value) == "true"


class DirectLinkForm(ItemForm):
    """A DirectLink port."""

    resource_type = ResourceType.DIRECT_LINK
    parameter_names = ("bandwidth", "hosted")
    priced_by = "bandwidth"
    bandwidth = forms.ChoiceField(
        label=gettext_lazy("Bandwidth"), choices=[("1G", "1 Gbps"), ("10G", "10 Gbps")]
    )
    hosted = HostedField(label=gettext_lazy("Port"))


class OksControlPlaneForm(ItemForm):
    """The control plane of a Kubernetes cluster."""

    resource_type = ResourceType.OKS_CONTROL_PLANE
    parameter_names = ("size",)
    priced_by = "size"
    size = forms.CharField(label=gettext_lazy("Control plane"), max_length=60, widget=forms.Select)

    def offer(self, prices: PriceList) -> None:
        """Offer the sizes of the region."""
        sizes = prices.control_plane_sizes
        self.fields["size"].widget.choices = [(size, products.control_plane_name(size)) for size in sizes]


class CatalogEntryForm(ItemForm):
    """Any entry of the catalog, by its key; in the builder the three parts of the key are one choice."""

    resource_type = ResourceType.CATALOG_ENTRY
    parameter_names = ("service", "type", "operation")
    priced_by = "entry"
    entry = forms.CharField(label=gettext_lazy("Catalog entry"), max_length=600, widget=forms.Select)

    def offer(self, prices: PriceList) -> None:
        """Offer every entry of the region, by category and name."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for key, entry in prices.entries.items():
            category = products.category_name(entry.category)
            groups.setdefault(category, []).append((json.dumps(key), products.name(key)))
        choices = [
            (category, sorted(rows, key=lambda row: row[1])) for category, rows in sorted(groups.items())
        ]
        self.fields["entry"].widget.choices = choices

    @classmethod
    def fields_of(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """Join the key's parts; a missing part leaves the field empty, which is an error."""
        key = [parameters.get(name) for name in cls.parameter_names]
        return {"entry": json.dumps(key) if all(isinstance(part, str) and part for part in key) else ""}

    def clean_entry(self) -> PriceKey:
        """Return the key."""
        try:
            service, type_, operation = json.loads(self.cleaned_data["entry"])
        except ValueError:
            raise forms.ValidationError(_("Choose an entry of the catalog.")) from None
        return PriceKey(str(service), str(type_), str(operation))

    def parameters(self) -> dict[str, Any]:
        """Return the key's parts."""
        return self.cleaned_data["entry"]._asdict()


FORMS: dict[ResourceType, type[ItemForm]] = {
    form.resource_type: form
    for form in (
        VmForm,
        VolumeForm,
        SnapshotForm,
        PublicIpForm,
        FlexibleGpuForm,
        NatServiceForm,
        LoadBalancerForm,
        VpnConnectionForm,
        DirectLinkForm,
        ObjectStorageForm,
        OksControlPlaneForm,
        CatalogEntryForm,
    )
}

_DEFAULTS: dict[ResourceType, dict[str, Any]] = {
    ResourceType.VM: {
        "vcores": 2,
        "ram_gib": 8,
        "performance": Performance.HIGH.value,
        "product_codes": LINUX,
    },
    ResourceType.VOLUME: {"volume_type": "gp2", "size_gib": 100},
    ResourceType.SNAPSHOT: {"size_gib": 100},
    ResourceType.OBJECT_STORAGE: {"size_gib": 1000},
}


def current_prices(region: Any) -> PriceList | None:
    """Return the prices of ``region``, asking the cloud when they are old or not kept yet."""
    return freshness.up_to_date(region, timezone.now()).prices if region in regions.names() else None


def bound_form(resource_type: ResourceType, data: Any, *, quote: Quote, auto_id: str = "id_%s") -> ItemForm:
    """Return the form of a resource over what was posted."""
    prices = current_prices(data.get("region"))
    return FORMS[resource_type](data, quote=quote, prices=prices, auto_id=auto_id)


def blank_form(
    resource_type: ResourceType, given: dict[str, Any], *, quote: Quote, prices: PriceList | None
) -> ItemForm:
    """Return the form to add a resource; ``given`` (its region at least) is kept from the form before."""
    initial = {"quantity": 1, **_DEFAULTS.get(resource_type, {}), **given}
    return FORMS[resource_type](initial=initial, quote=quote, prices=prices)


def edit_form(item: QuoteItem, *, prices: PriceList | None) -> ItemForm:
    """Return the form that changes a kept item, as it is now."""
    form = FORMS[ResourceType(item.resource_type)]
    common = {name: getattr(item, name) for name in ("region", "quantity", "group_id", "resource_name")}
    initial = {**common, **form.initial_of(item.parameters)}
    return form(initial=initial, quote=item.quote, prices=prices, auto_id="edit_%s")
