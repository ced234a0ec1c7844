"""A form for each kind of resource that a quote can hold, for the pages and the JSON API."""

import json
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import regions
from costs import freshness, pricing, products
from costs.forms import AmountField
from costs.pricelist import PriceKey, PriceList
from costs.pricing import LINUX
from costs.vmtypes import Performance
from quotes.itemform import ItemForm
from quotes.models import Quote, QuoteItem
from quotes.resources import ResourceType
from quotes.vmform import VmForm

LARGEST_SIZE_GIB = 100_000_000
LARGEST_IOPS = 1_000_000


def _size_field() -> AmountField:
    return AmountField(
        label=gettext_lazy("Size, GiB"),
        min_value=Decimal("0.001"),
        max_value=LARGEST_SIZE_GIB,
        max_digits=13,
        decimal_places=3,
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
        label=gettext_lazy("Bandwidth"),
        choices=[("1G", gettext_lazy("1 Gbps")), ("10G", gettext_lazy("10 Gbps"))],
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
            if not pricing.is_quotable(entry):
                continue
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
            key = json.loads(self.cleaned_data["entry"])
        except ValueError:
            key = None
        is_key = isinstance(key, list) and [type(part) for part in key] == [str] * len(PriceKey._fields)
        if not is_key or not all(part.isprintable() for part in key):
            raise forms.ValidationError(_("Choose an entry of the catalog."))
        return PriceKey(*key)

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


def bound_form(
    resource_type: ResourceType,
    data: Any,
    *,
    quote: Quote,
    kept: QuoteItem | None = None,
    auto_id: str = "id_%s",
) -> ItemForm:
    """Return the form of a resource over what was posted; ``kept`` is the item that it changes."""
    prices = current_prices(data.get("region"))
    return FORMS[resource_type](data, quote=quote, prices=prices, kept=kept, auto_id=auto_id)


def blank_form(
    resource_type: ResourceType, given: dict[str, Any], *, quote: Quote, prices: PriceList | None
) -> ItemForm:
    """Return the form to add a resource; ``given`` (its region at least) is kept from the form before."""
    initial = {"quantity": 1, **_DEFAULTS.get(resource_type, {}), **given}
    return FORMS[resource_type](initial=initial, quote=quote, prices=prices)


def edit_id(item: QuoteItem) -> str:
    """Return how the fields of an item's form are called on the page, where several can be open."""
    return f"edit_{item.pk}_%s"


def edit_form(item: QuoteItem, *, given: dict[str, Any], prices: PriceList | None) -> ItemForm:
    """Return the form that changes a kept item: as it is now, but for what is ``given``."""
    form = FORMS[ResourceType(item.resource_type)]
    common = {name: getattr(item, name) for name in ("region", "quantity", "group_id", "resource_name")}
    initial = {**common, **form.initial_of(item.parameters), **given}
    return form(initial=initial, quote=item.quote, prices=prices, kept=item, auto_id=edit_id(item))
