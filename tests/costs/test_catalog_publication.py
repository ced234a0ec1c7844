from decimal import Decimal

import pytest

from costs.publication import PublicationInvalid, published_region, read_publication
from tests.costs.catalogs import REGION, answer_of, raw_entry
from tests.reference import real_answer


def without(field):
    return {name: value for name, value in raw_entry().items() if name != field}


def refusal(answer, region=REGION):
    with pytest.raises(PublicationInvalid) as refused:
        read_publication(answer, region=region)
    return str(refused.value)


def test_the_real_answer_is_read_with_no_entry_lost_and_every_price_exact():
    answer = real_answer("catalog-eu-west-2.json")
    entries = {entry.key: entry for entry in read_publication(answer, region=REGION)}
    assert len(entries) == 122
    for raw in answer["Catalog"]["Entries"]:
        entry = entries[raw["Service"], raw["Type"], raw["Operation"]]
        assert entry.unit_price == raw["UnitPrice"]
        assert (entry.category, entry.title) == (raw["Category"], raw["Title"])
        assert entry.per_month == ("Flags" in raw)
    assert sum(entry.per_month for entry in entries.values()) == 10


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "catalog",
        {},
        {"Catalog": None},
        {"Catalog": []},
        {"Catalog": {"Entries": {}}},
        {"Entries": []},
    ],
)
def test_an_answer_without_a_list_of_entries_is_refused(answer):
    assert refusal(answer) == "The answer holds no list Catalog.Entries."


def test_an_empty_catalog_is_refused():
    assert refusal(answer_of()) == "The catalog is empty."


KEY_FIELDS = ["Service", "Type", "Operation"]
OPTIONAL_FIELDS = ["SubregionName", "Category", "Title"]


def only_entry(**fields):
    return read_publication(answer_of({**raw_entry(), **fields}), region=REGION)[0]


@pytest.mark.parametrize("field", KEY_FIELDS + OPTIONAL_FIELDS)
@pytest.mark.parametrize("value", [5, False, ["x"], {}, "nul \x00", "lone \ud800"])
def test_a_text_that_is_no_text_is_refused_with_its_place(field, value):
    bad = {**raw_entry(), field: value}
    assert refusal(answer_of(raw_entry("First"), bad)) == f"Entry 2 has no usable {field}."


@pytest.mark.parametrize("field", KEY_FIELDS)
@pytest.mark.parametrize("value", [None, "", "x" * 256])
def test_a_text_of_the_key_that_is_missing_empty_or_endless_is_refused(field, value):
    assert refusal(answer_of({**raw_entry(), field: value})) == f"Entry 1 has no usable {field}."
    assert refusal(answer_of(without(field))) == f"Entry 1 has no usable {field}."


@pytest.mark.parametrize("field", ["SubregionName", "Category"])
def test_an_endless_region_or_category_is_refused(field):
    assert refusal(answer_of({**raw_entry(), field: "x" * 256})) == f"Entry 1 has no usable {field}."


@pytest.mark.parametrize(
    ("field", "column", "instead"),
    [("Title", "title", ""), ("Category", "category", "other"), ("SubregionName", "subregion", REGION)],
)
def test_what_no_price_depends_on_may_be_missing(field, column, instead):
    for value in (None, ""):
        assert getattr(only_entry(**{field: value}), column) == instead
    (entry,) = read_publication(answer_of(without(field)), region=REGION)
    assert getattr(entry, column) == instead


def test_the_region_of_a_file_is_what_at_least_one_entry_names():
    nameless = without("SubregionName")
    assert published_region(answer_of(nameless, raw_entry("Second"))) == REGION
    with pytest.raises(PublicationInvalid, match="No entry names its region"):
        published_region(answer_of(nameless))


@pytest.mark.parametrize(
    "price",
    [None, "", "free", "0,5", "1e3", "٣", "0.5 ", 0.005, True, Decimal("NaN"), Decimal("Infinity"), {}],
)
def test_a_price_that_is_no_exact_number_is_refused(price):
    assert refusal(answer_of({**raw_entry(), "UnitPrice": price})) == "Entry 1 has no usable UnitPrice."
    assert refusal(answer_of(without("UnitPrice"))) == "Entry 1 has no usable UnitPrice."


@pytest.mark.parametrize("price", ["-0.01", "-1e-4000000", "10000001", "9" * 4000, "1e30", "1e999999"])
def test_a_price_that_cannot_be_right_is_refused(price):
    problem = refusal(answer_of(raw_entry(price=price)))
    assert problem.startswith("Entry 1 has a price that cannot be right")
    assert len(problem) < 100


@pytest.mark.parametrize(
    ("price", "kept"),
    [
        (0, "0"),
        (3, "3"),
        ("3", "3"),
        ("0.005", "0.005"),
        (Decimal("0E+3"), "0"),
        (Decimal("0E-4000000"), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.0000000001"), "0.0000000001"),
        (Decimal("0.00000000012"), "0.0000000001"),
        (Decimal("0.00000000006"), "0.0000000001"),
        (Decimal("0.1" + "3" * 300), "0.1333333333"),
    ],
)
def test_a_price_is_kept_with_ten_decimals(price, kept):
    assert only_entry(UnitPrice=price).unit_price == Decimal(kept)


@pytest.mark.parametrize("price", ["0.00000000005", "0.00000000001", "1E-4000000", "1E-999999999999999999"])
def test_a_price_that_would_be_kept_as_free_of_charge_is_refused(price):
    problem = refusal(answer_of(raw_entry(price=price)))
    assert problem.startswith("Entry 1 has a price that cannot be right")
    assert len(problem) < 100


def test_the_same_key_twice_is_refused_whatever_its_price():
    twice = answer_of(raw_entry(), raw_entry(price="0.006"))
    assert refusal(twice) == "The price of TinaOS-FCU / CustomRam / RunInstances-OD is there twice."


def test_an_entry_that_is_no_object_is_refused():
    assert refusal(answer_of(raw_entry(), "x")) == "Entry 2 is not an object."


def test_the_prices_of_another_region_are_refused():
    problem = refusal(answer_of(raw_entry()), region="us-east-2")
    assert problem == "These are the prices of eu-west-2, not of us-east-2."


def test_entries_of_two_regions_are_refused():
    mixed = answer_of(raw_entry(), raw_entry("CustomCore:v7-p1", SubregionName="us-east-2"))
    assert refusal(mixed) == "The entries belong to several regions: eu-west-2, us-east-2."


def test_a_subregion_with_its_letter_belongs_to_its_region():
    answer = answer_of(raw_entry(), raw_entry("CustomCore:v7-p1", SubregionName="eu-west-2a"))
    assert published_region(answer) == "eu-west-2"


@pytest.mark.parametrize(
    ("flags", "per_month"),
    [
        ("PER_MONTH", True),
        (["PER_MONTH"], True),
        (["OTHER", "PER_MONTH"], True),
        ("OTHER", False),
        ("PER_MONTHS", False),
        (["OTHER"], False),
        ([["PER_MONTH"]], False),
        ({"PER_MONTH": True}, False),
        (None, False),
        ([], False),
    ],
)
def test_only_the_flag_per_month_makes_a_price_monthly(flags, per_month):
    assert read_publication(answer_of(raw_entry(Flags=flags)), region=REGION)[0].per_month is per_month
