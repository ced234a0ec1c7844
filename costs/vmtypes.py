"""VM types: from a name such as ``tinav5.c4r8p2`` or ``m5.large`` to what is billed.

Sources: OUTSCALE "VM types" and "Instance types" documentation; the AWS-style table is what OUTSCALE converts
those names to (whole GiB; ``ReadVms`` keeps showing the AWS-style name).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType

_TINA = re.compile(r"tinav(\d{1,4})\.c(\d{1,4})r(\d{1,5})(?:p(\d{1,4}))?", re.ASCII)


class Performance(IntEnum):
    """The performance flag of a VM type; other numbers exist (101, "simulation") and have no name here."""

    HIGHEST = 1
    HIGH = 2
    MEDIUM = 3


_NAMED = {performance.name.lower(): performance for performance in Performance}


class UnknownVmType(ValueError):
    """The name is neither a TINA type nor an AWS-style type that OUTSCALE converts."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown VM type: {name}")
        self.name = name


@dataclass(frozen=True, slots=True)
class VmShape:
    """What a VM type bills: ``vcores`` virtual cores and ``ram_gib`` GiB of a generation and performance.

    ``gpus`` is the number of flexible GPUs (``gpu_models`` names the model, or the models it may be) that an
    AWS-style type allocates by itself; they are billed as flexible GPUs, never inside the VM's price.
    """

    name: str
    generation: int
    vcores: int
    ram_gib: int | Decimal
    performance: int
    gpus: int = 0
    gpu_models: tuple[str, ...] = ()

    @property
    def core_type(self) -> str:
        """The catalog's Type of one vCore-hour of this VM."""
        return f"CustomCore:v{self.generation}-p{self.performance}"


Sizes = Mapping[str, tuple[int, Decimal]]
"""Cores and GiB of AWS-style types, by name, as ReadVmTypes tells them."""


def shape_of(name: str, *, performance: str | None = None, sizes: Sizes = MappingProxyType({})) -> VmShape:
    """Return the shape of the VM type ``name``; raise ``UnknownVmType`` when there is none.

    ``performance`` is the field of that name of a VM (``highest``, ``high``, ``medium``). It counts only for
    a TINA type without ``p`` suffix; absent too, the performance is high (OUTSCALE CreateVms). ``sizes`` are
    asked for an AWS-style type of a known family whose size is not in the table below.
    """
    match = _TINA.fullmatch(name)
    if not match:
        return _converted(name, sizes)
    generation, vcores, ram_gib, suffix = match.groups()
    level = int(suffix) if suffix else _NAMED.get(performance or "high", 0)
    if not int(vcores) or not int(ram_gib) or not level:
        raise UnknownVmType(name)
    return VmShape(name, int(generation), int(vcores), int(ram_gib), int(level))


def tina_name(*, generation: int, vcores: int, ram_gib: int, performance: int) -> str:
    """Write the TINA name of a VM that is configured by its parts."""
    return f"tinav{generation}.c{vcores}r{ram_gib}p{performance}"


def is_unlisted(name: str) -> bool:
    """Tell whether ``name`` is an AWS-style type of a known family, whose size only ReadVmTypes can tell."""
    family, _, size = name.partition(".")
    return family in _AWS_STYLE and size not in _AWS_STYLE[family][2]


def _converted(name: str, told: Sizes) -> VmShape:
    family, _, size = name.partition(".")
    if family not in _AWS_STYLE or (is_unlisted(name) and name not in told):
        raise UnknownVmType(name)
    generation, performance, sizes, models = _AWS_STYLE[family]
    if is_unlisted(name):
        vcores, ram_gib = told[name]
        return VmShape(name, generation, vcores, ram_gib, performance)
    vcores, ram_gib, *gpus = sizes[size]
    return VmShape(name, generation, vcores, ram_gib, performance, sum(gpus), models)


def _sizes(text: str) -> dict[str, tuple[int, ...]]:
    words = (line.split() for line in text.split(","))
    return {size: tuple(map(int, numbers)) for size, *numbers in words}


def _family(
    generation: int, performance: int, sizes: str, *models: str
) -> tuple[int, int, dict[str, tuple[int, ...]], tuple[str, ...]]:
    return generation, performance, _sizes(sizes), models


# Each size: its name, vCores, GiB, and flexible GPUs where it has any.
_OPTIMISED_5 = (
    "2xlarge 6 82, 4xlarge 12 164, 6xlarge 18 246, 8xlarge 24 328, 12xlarge 36 492, 18xlarge 54 737"
)
_AWS_STYLE = {
    "c1": _family(1, 1, "medium 2 2, xlarge 8 7"),
    "c3": _family(3, 1, "large 2 4, xlarge 4 8, 2xlarge 8 15, 4xlarge 16 31, 8xlarge 32 61"),
    "c4": _family(4, 1, "large 2 4, xlarge 4 8, 2xlarge 8 15, 4xlarge 16 31, 8xlarge 36 61"),
    "c5": _family(
        5,
        1,
        "large 2 4, xlarge 4 8, 2xlarge 8 16, 4xlarge 16 33, 8xlarge 36 74, 9xlarge 36 72, 18xlarge 72 147",
    ),
    "cc1": _family(1, 1, "4xlarge 6 25"),
    "cc2": _family(2, 1, "8xlarge 32 61"),
    "cr1": _family(1, 2, "8xlarge 32 250"),
    "g2": _family(2, 1, "2xlarge 8 15 1, 8xlarge 32 60 4", "nvidia-k2"),
    "g3": _family(3, 1, "4xlarge 16 125 1, 8xlarge 32 250 2, 16xlarge 64 500 4", "nvidia-m60", "nvidia-k2"),
    "hi1": _family(3, 1, "xlarge 4 430"),
    "i2": _family(4, 2, "xlarge 4 30, 2xlarge 8 62, 4xlarge 16 125, 8xlarge 32 250"),
    "io5": _family(4, 2, _OPTIMISED_5),
    "m1": _family(1, 2, "small 1 2, medium 1 4, large 2 8, xlarge 4 15"),
    "m2": _family(2, 2, "xlarge 2 18, 2xlarge 4 35, 4xlarge 8 70"),
    "m3": _family(3, 2, "medium 1 4, large 2 8, xlarge 4 15, 2xlarge 8 31"),
    "m4": _family(4, 2, "large 2 8, xlarge 4 16, 2xlarge 8 33, 4xlarge 16 66, 10xlarge 40 164"),
    "m5": _family(
        5, 2, "large 2 8, xlarge 4 16, 2xlarge 8 33, 4xlarge 16 66, 12xlarge 48 197, 24xlarge 96 384"
    ),
    "mv3": _family(4, 2, "large 2 8 1, xlarge 4 15 1, 2xlarge 8 31 1", "nvidia-k2"),
    "nv1": _family(4, 2, "small 1 2 1, medium 1 4 1, large 2 8 1, xlarge 4 15 1", "nvidia-k2"),
    "nv2": _family(4, 2, "xlarge 2 18 1, 2xlarge 4 35 1, 4xlarge 8 70 1", "nvidia-k2"),
    "oc1": _family(1, 1, "4xlarge 6 25"),
    "oc2": _family(2, 1, "8xlarge 15 66"),
    "oc5": _family(4, 1, _OPTIMISED_5),
    "og3": _family(4, 2, "2xlarge 16 61 1", "nvidia-k2"),
    "og4": _family(4, 2, "xlarge 8 61 1, 2xlarge 16 123 2, 4xlarge 24 184 3, 8xlarge 32 246 4", "nvidia-k2"),
    "om5": _family(
        4,
        2,
        "2xlarge 6 164, 4xlarge 12 328, 6xlarge 18 492, 8xlarge 24 655, 12xlarge 36 983, 18xlarge 54 1475",
    ),
    "os1": _family(1, 2, "2xlarge 4 66, 4xlarge 8 131, 8xlarge 15 250"),
    "os3": _family(3, 2, "2xlarge 16 66"),
    "p100": _family(5, 1, "2xlarge 8 61 1, 4xlarge 16 122 1, 8xlarge 32 244 2", "nvidia-p100"),
    "p3": _family(5, 1, "2xlarge 8 61 1", "nvidia-p100"),
    "p6": _family(5, 1, "8xlarge 32 244 1", "nvidia-p6"),
    "r3": _family(3, 2, "large 2 15, xlarge 4 31, 2xlarge 8 62, 4xlarge 16 125, 8xlarge 32 250"),
    "r4": _family(
        4, 2, "large 2 16, xlarge 4 31, 2xlarge 8 62, 4xlarge 16 125, 8xlarge 32 250, 16xlarge 64 500"
    ),
    "t1": _family(1, 3, "micro 1 1"),
    "t2": _family(2, 3, "nano 1 1, micro 1 1, small 1 2, medium 2 4, large 2 8"),
}
