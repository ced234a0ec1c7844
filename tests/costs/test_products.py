from decimal import Decimal

import pytest

from costs import products
from costs.pricelist import FCU, PriceEntry, PriceKey, PriceList, Unit
from costs.publication import read_publication
from tests.costs.catalogs import NOW, REGION
from tests.reference import real_answer

NAMES = {
    (FCU, "CustomCore:v7-p1", "RunInstances-OD"): "vCore, generation 7, highest",
    (FCU, "CustomCore:v7-p101", "RunInstances-OD"): "vCore, generation 7, simulation",
    (FCU, "CustomCore:v104-p1", "RunInstances-OD"): "vCore, generation 104, highest",
    (FCU, "CustomCore:v9-p7", "RunInstances-OD"): "vCore, generation 9, performance 7",
    (FCU, "CustomRam", "RunInstances-OD"): "VM memory",
    (FCU, "Gpu:attach:nvidia-a100", "AllocateGpu"): "GPU NVIDIA A100, attached",
    (FCU, "Gpu:attach:nvidia-a100-80", "AllocateGpu"): "GPU NVIDIA A100 80 GB, attached",
    (FCU, "Gpu:allocate:nvidia-k2", "AllocateGpu"): "GPU NVIDIA K2, allocated",
    (FCU, "UseDedicated", "RunDedicatedInstances"): "Dedicated tenancy, use",
    (FCU, "BSU:VolumeUsage:gp2", "CreateVolume"): "Volume gp2 (Performance)",
    (FCU, "BSU:VolumeUsage:io9", "CreateVolume"): "Volume io9",
    (FCU, "ElasticIP:IdleAddress", "AssociateAddress"): "Public IP, idle",
    (FCU, "ElasticIP:IdleAddress", "AssociateAddressVPC"): "Public IP, idle, in a Net",
    (FCU, "ProductUsage", "RunInstances-0002-OD"): "Windows Server licence",
    (FCU, "ProductUsage", "RunInstances-0042-OD"): "Licence 0042",
    (FCU, "ProductUsage", "RunInstances-pty-7b4a4b18-OD"): "Marketplace licence pty-7b4a4b18",
    ("TinaOS-DirectLink", "LocatePort:10G", "CreateConnection"): "DirectLink port, 10 Gbps",
    ("TinaOS-HostedDirectLink", "LocatePort:1G", "CreateConnection"): "Hosted DirectLink port, 1 Gbps",
    ("OKS", "dedicated:cp.3.masters.large", "ControlPlane"): "Kubernetes control plane, 3 masters, large",
    ("OKS", "dedicated:cp.9.masters", "ControlPlane"): "Kubernetes control plane cp.9.masters",
    ("Marketplace", "pof-o1qb2k30", "Subscription"): "Marketplace subscription pof-o1qb2k30",
    (FCU, "BoxUsage:tinav5.c24r128p1", "RunInstances-OD"): "VM tinav5.c24r128p1",
    (FCU, "ProductUsage:tinav5.c2r4p2", "RunInstances-0002-OD"): "Windows Server licence, VM tinav5.c2r4p2",
}


@pytest.mark.parametrize(("key", "name"), NAMES.items(), ids=[" ".join(key[1:]) for key in NAMES])
def test_a_product_has_a_name_of_our_own(key, name):
    assert products.name(PriceKey(*key)) == name


def test_an_unknown_product_is_named_by_its_key():
    assert products.name(PriceKey("New", "Quantum:usage", "RunQubit")) == "Quantum:usage / RunQubit"
    assert products.name(PriceKey(FCU, "CustomCore:odd", "RunInstances-OD")) == "CustomCore:odd"


def test_a_known_type_with_another_operation_is_not_taken_for_the_known_product():
    assert (
        products.name(PriceKey(FCU, "CustomCore:v7-p1", "Reserve"))
        == "vCore, generation 7, highest (Reserve)"
    )


@pytest.fixture
def real_prices():
    entries = read_publication(real_answer("catalog-eu-west-2.json"), region=REGION)
    prices = (entry.as_price() for entry in entries)
    return PriceList.of(prices, region=REGION, currency="EUR", version=1, valid_from=NOW)


def test_every_entry_of_the_real_catalog_has_its_own_name_and_a_known_unit(real_prices):
    names = {products.name(key) for key in real_prices.entries}
    assert len(names) == 122
    assert not [name for name in names if " / " in name]
    assert Unit.UNKNOWN not in {entry.unit for entry in real_prices.entries.values()}


def test_the_real_catalog_lacks_three_licences_and_nothing_else(real_prices):
    missing = products.without_price(real_prices)
    assert [products.name(product.key) for product in missing] == [
        "MapR licence",
        "Oracle Linux licence",
        "SQL Server Web licence",
    ]
    assert {product.category for product in missing} == {"licence"}
    assert missing[2].unit is Unit.TWO_VCORES_HOUR


def test_a_zero_price_is_no_absent_price(real_prices):
    linux = PriceKey(FCU, "ProductUsage", "RunInstances-0001-OD")
    assert real_prices.entries[linux].unit_price == 0
    assert linux not in [product.key for product in products.without_price(real_prices)]


def test_what_one_region_lacks_is_known_from_the_others():
    ram = PriceEntry(PriceKey(FCU, "CustomRam", "RunInstances-OD"), Decimal(1), "compute", "", False)
    prices = PriceList.of([ram], region="us-east-2", currency="USD", version=1, valid_from=NOW)
    missing = {products.name(product.key): product for product in products.without_price(prices)}
    assert "VM memory" not in missing
    assert (missing["Snapshot"].unit, missing["Snapshot"].category) == (Unit.GIB_MONTH, "storage")
    assert missing["Kubernetes project"].unit is Unit.HOUR


def test_every_unit_category_and_performance_has_words():
    assert all(products.unit_name(unit) for unit in Unit)
    assert [products.category_name(name) for name in (*products.CATEGORIES, "new")] == [
        "Compute",
        "Storage",
        "Network",
        "Licence",
        "new",
    ]
    assert [products.performance_name(flag) for flag in (1, "2", 3, 101, 5)] == [
        "highest",
        "high",
        "medium",
        "simulation",
        "performance 5",
    ]


LIKES = {
    "Object storage": [
        ("TinaOS-OOS", "enterprise", "OOSStorage"),
        ("TinaOS-OOS", "enterprise", "OOSDataTransfer"),
    ],
    "Public IP, idle": [
        (FCU, "ElasticIP:IdleAddress", "AssociateAddress"),
        (FCU, "ElasticIP:IdleAddress", "AssociateAddressVPC"),
    ],
    "Licences of VM tinav5.c2r4p2": [
        (FCU, "ProductUsage:tinav5.c2r4p2", "RunInstances-0002-OD"),
        (FCU, "ProductUsage:tinav5.c2r4p2", "RunInstances-0008-OD"),
    ],
    "Licences": [
        (FCU, "ProductUsage", "RunInstances-0002-OD"),
        (FCU, "ProductUsage", "RunInstances-0008-OD"),
    ],
    "LocatePort:1G": [
        ("TinaOS-DirectLink", "LocatePort:1G", "CreateConnection"),
        ("TinaOS-HostedDirectLink", "LocatePort:1G", "CreateConnection"),
    ],
    "NAT service": [(FCU, "NatGatewayUsage", "CreateNatGateway")],
}


@pytest.mark.parametrize(("name", "keys"), LIKES.items(), ids=LIKES)
def test_the_products_of_one_type_have_a_name_together(name, keys):
    assert products.common_name([PriceKey(*key) for key in keys]) == name


def test_a_service_has_a_name_of_our_own_and_an_unknown_one_its_own():
    assert products.service_name("TinaOS-LBU") == "Load balancers"
    assert products.service_name("TinaOS-New") == "TinaOS-New"
