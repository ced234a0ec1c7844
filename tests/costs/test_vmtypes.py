import csv

import pytest

from costs.vmtypes import UnknownVmType, shape_of, tina_name
from tests.reference import FOLDER


@pytest.mark.parametrize(
    ("name", "generation", "vcores", "ram", "performance"),
    [
        ("tinav5.c4r8p2", 5, 4, 8, 2),
        ("tinav104.c12r128p1", 104, 12, 128, 1),
        ("tinav7.c2r4p101", 7, 2, 4, 101),
        ("tinav5.c2r4", 5, 2, 4, 2),
        ("m5.2xlarge", 5, 8, 33, 2),
        ("t2.small", 2, 1, 2, 3),
        ("c4.large", 4, 2, 4, 1),
    ],
)
def test_a_vm_type_says_what_is_billed(name, generation, vcores, ram, performance):
    shape = shape_of(name)
    assert (shape.generation, shape.vcores, shape.ram_gib, shape.performance) == (
        generation,
        vcores,
        ram,
        performance,
    )


def test_the_performance_of_a_vm_counts_only_without_a_suffix():
    assert shape_of("tinav5.c2r4", performance="highest").performance == 1
    assert shape_of("tinav5.c2r4p3", performance="highest").performance == 3


@pytest.mark.parametrize(
    "name",
    [
        "",
        "tina.c2r4",
        "tinav5.c0r4p2",
        "tinav5.c2r0p2",
        "tinav5.c2r4p",
        "tinav5.c2r4p2x",
        "m5",
        "m5.huge",
        "x1.large",
        "tinav５.c2r4p2",
    ],
)
def test_an_unknown_vm_type_is_refused(name):
    with pytest.raises(UnknownVmType):
        shape_of(name)


def test_every_aws_style_type_converts_as_outscale_says():
    path = FOLDER / "aws-style-vm-types.csv"
    if not path.exists():
        pytest.skip("the table of AWS-style types is not beside this repository")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 115
    for row in rows:
        shape = shape_of(row["vm_type"])
        stated = (shape.generation, shape.vcores, shape.ram_gib, shape.performance, shape.gpus)
        expected = tuple(
            int(row[name] or 0) for name in ("generation", "vcores", "ram_gib", "performance", "gpu_count")
        )
        assert stated == expected, row["vm_type"]
        assert " or ".join(shape.gpu_models) == row["gpu_model"]


def test_a_type_made_of_its_parts_reads_back_as_the_same():
    name = tina_name(generation=6, vcores=8, ram_gib=32, performance=1)
    assert name == "tinav6.c8r32p1"
    assert shape_of(name).vcores == 8
