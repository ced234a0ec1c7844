"""VM types: the TINA form, which says everything in its name, and AWS-style names with their meaning."""

import re
from typing import NamedTuple

_TINA = re.compile(r"tinav(\d+)\.c(\d+)r(\d+)(?:p(\d+))?")
PERFORMANCES = {"highest": 1, "high": 2, "medium": 3}
"""The values of a VM's field Performance, and the `p` of a type which each stands for."""
_PERFORMANCE_NAMES = {number: name for name, number in PERFORMANCES.items()}

# Family -> generation, performance (1 highest, 2 high, 3 medium), sizes as "name:vCores:GiB[:GPUs]".
# OUTSCALE converts an AWS-style type into this TINA equivalent, with whole GiB.
_FAMILIES = {
    "c1": "1 1 medium:2:2 xlarge:8:7",
    "c3": "3 1 large:2:4 xlarge:4:8 2xlarge:8:15 4xlarge:16:31 8xlarge:32:61",
    "c4": "4 1 large:2:4 xlarge:4:8 2xlarge:8:15 4xlarge:16:31 8xlarge:36:61",
    "c5": "5 1 large:2:4 xlarge:4:8 2xlarge:8:16 4xlarge:16:33 8xlarge:36:74 9xlarge:36:72 18xlarge:72:147",
    "cc1": "1 1 4xlarge:6:25",
    "cc2": "2 1 8xlarge:32:61",
    "cr1": "1 2 8xlarge:32:250",
    "g2": "2 1 2xlarge:8:15:1 8xlarge:32:60:4",
    "g3": "3 1 4xlarge:16:125:1 8xlarge:32:250:2 16xlarge:64:500:4",
    "hi1": "3 1 xlarge:4:430",
    "i2": "4 2 xlarge:4:30 2xlarge:8:62 4xlarge:16:125 8xlarge:32:250",
    "io5": "4 2 2xlarge:6:82 4xlarge:12:164 6xlarge:18:246 8xlarge:24:328 12xlarge:36:492 18xlarge:54:737",
    "m1": "1 2 small:1:2 medium:1:4 large:2:8 xlarge:4:15",
    "m2": "2 2 xlarge:2:18 2xlarge:4:35 4xlarge:8:70",
    "m3": "3 2 medium:1:4 large:2:8 xlarge:4:15 2xlarge:8:31",
    "m4": "4 2 large:2:8 xlarge:4:16 2xlarge:8:33 4xlarge:16:66 10xlarge:40:164",
    "m5": "5 2 large:2:8 xlarge:4:16 2xlarge:8:33 4xlarge:16:66 12xlarge:48:197 24xlarge:96:384",
    "mv3": "4 2 large:2:8:1 xlarge:4:15:1 2xlarge:8:31:1",
    "nv1": "4 2 small:1:2:1 medium:1:4:1 large:2:8:1 xlarge:4:15:1",
    "nv2": "4 2 xlarge:2:18:1 2xlarge:4:35:1 4xlarge:8:70:1",
    "oc1": "1 1 4xlarge:6:25",
    "oc2": "2 1 8xlarge:15:66",
    "oc5": "4 1 2xlarge:6:82 4xlarge:12:164 6xlarge:18:246 8xlarge:24:328 12xlarge:36:492 18xlarge:54:737",
    "og3": "4 2 2xlarge:16:61:1",
    "og4": "4 2 xlarge:8:61:1 2xlarge:16:123:2 4xlarge:24:184:3 8xlarge:32:246:4",
    "om5": "4 2 2xlarge:6:164 4xlarge:12:328 6xlarge:18:492 8xlarge:24:655 12xlarge:36:983 18xlarge:54:1475",
    "os1": "1 2 2xlarge:4:66 4xlarge:8:131 8xlarge:15:250",
    "os3": "3 2 2xlarge:16:66",
    "p100": "5 1 2xlarge:8:61:1 4xlarge:16:122:1 8xlarge:32:244:2",
    "p3": "5 1 2xlarge:8:61:1",
    "p6": "5 1 8xlarge:32:244:1",
    "r3": "3 2 large:2:15 xlarge:4:31 2xlarge:8:62 4xlarge:16:125 8xlarge:32:250",
    "r4": "4 2 large:2:16 xlarge:4:31 2xlarge:8:62 4xlarge:16:125 8xlarge:32:250 16xlarge:64:500",
    "t1": "1 3 micro:1:1",
    "t2": "2 3 nano:1:1 micro:1:1 small:1:2 medium:2:4 large:2:8",
}


class VmShape(NamedTuple):
    """What is billed of a VM type; performance is 1 for highest, and `gpus` come with the type."""

    generation: int
    vcores: int
    memory_gib: int
    performance: int
    gpus: int = 0

    @property
    def core_type(self) -> str:
        """The catalog type of one of its vCores, such as `CustomCore:v5-p2`."""
        return f"CustomCore:v{self.generation}-p{self.performance}"

    @property
    def performance_name(self) -> str:
        """The word of the catalog's titles for the performance."""
        return _PERFORMANCE_NAMES.get(self.performance, f"p{self.performance}")


def _aws_style() -> dict[str, VmShape]:
    shapes = {}
    for family, facts in _FAMILIES.items():
        generation, performance, *sizes = facts.split()
        for size in sizes:
            name, vcores, memory, *gpus = size.split(":")
            facts_of_size = (generation, vcores, memory, performance, *gpus)
            shapes[f"{family}.{name}"] = VmShape(*map(int, facts_of_size))
    return shapes


AWS_STYLE = _aws_style()


def shape_of(vm_type: str) -> VmShape | None:
    """Return what a TINA or AWS-style type stands for, or None for a name that is neither.

    A TINA type without performance is "high" (OUTSCALE API documentation, CreateVms).
    """
    if tina := _TINA.fullmatch(vm_type):
        generation, vcores, memory, performance = tina.groups(default="2")
        return VmShape(int(generation), int(vcores), int(memory), int(performance))
    return AWS_STYLE.get(vm_type)
