"""What a customer may say of a VM in a quote."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from costs import products
from costs.pricelist import PriceKey, PriceList, licence_key, product_code
from costs.pricing import LINUX, Tenancy
from costs.vmtypes import UnknownVmType, shape_of, tina_name
from quotes.itemform import ItemForm
from quotes.resources import ResourceType


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
    return [*map(_licence_choice, offered), *(_other_licence(codes, prices) for codes in others)]


def _other_licence(codes: tuple[str], prices: PriceList) -> tuple[str, str]:
    """Name a marketplace licence by the cloud's title, which says whose it is."""
    (code,) = codes
    title = prices.entry(*licence_key(code)).title
    return (code, f"{title} ({code})") if code.startswith("pty-") and title else _licence_choice(codes)


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

    generation = forms.IntegerField(
        label=gettext_lazy("Generation"), min_value=1, max_value=9999, required=False, widget=forms.Select
    )
    vcores = forms.IntegerField(label=gettext_lazy("vCores"), min_value=1, max_value=9999, required=False)
    ram_gib = forms.IntegerField(label=gettext_lazy("RAM, GiB"), min_value=1, max_value=99999, required=False)
    performance = forms.IntegerField(
        label=gettext_lazy("Performance"), min_value=1, max_value=9999, required=False, widget=forms.Select
    )
    vm_type = forms.CharField(
        label=gettext_lazy("Or VM type"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "tinav6.c4r8p2", "spellcheck": "false"}),
    )
    product_codes = ProductCodesField(label=gettext_lazy("Licence"), required=False)
    tenancy = forms.ChoiceField(label=gettext_lazy("Tenancy"), choices=Tenancy.choices, required=False)

    def offer(self, prices: PriceList) -> None:
        """Offer the generations, performances and licences that the region has."""
        levels = prices.core_levels
        generations = sorted({generation for generation, _level in levels}, key=_newest_first)
        performances = sorted({level for _generation, level in levels})
        self.fields["generation"].widget.choices = [(number, number) for number in generations]
        self.fields["performance"].widget.choices = [
            (level, products.performance_name(level).capitalize()) for level in performances
        ]
        self.fields["product_codes"].widget.choices = _licence_choices(prices)

    def label_of(self, name: str, value: Any) -> str:
        """Name a performance or a set of licences that the region does not offer."""
        if name == "performance":
            return products.performance_name(value).capitalize()
        return _licence_choice(tuple(str(value).split(",")))[1] if name == "product_codes" else str(value)

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
