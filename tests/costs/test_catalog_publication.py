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


@pytest.mark.parametrize("field", ["Service", "Type", "Operation", "SubregionName", "Category", "Title"])
@pytest.mark.parametrize("value", [None, 5, ["x"], "nul \x00", "lone \ud800"])
def test_a_text_that_is_missing_or_no_text_is_refused_with_its_place(field, value):
    bad = {**raw_entry(), field: value}
    assert refusal(answer_of(raw_entry("First"), bad)) == f"Entry 2 has no usable {field}."
    assert refusal(answer_of(raw_entry("First"), without(field))) == f"Entry 2 has no usable {field}."


@pytest.mark.parametrize("field", ["Service", "Type", "Operation", "SubregionName", "Category"])
@pytest.mark.parametrize("value", ["", "x" * 256])
def test_a_text_of_the_key_that_is_empty_or_endless_is_refused(field, value):
    assert refusal(answer_of({**raw_entry(), field: value})) == f"Entry 1 has no usable {field}."


def test_an_empty_title_is_fine_for_we_have_our_own_names():
    assert read_publication(answer_of(raw_entry(Title="")), region=REGION)[0].title == ""


@pytest.mark.parametrize("price", [None, "0.005", 0.005, True, Decimal("NaN"), Decimal("Infinity"), {}])
def test_a_price_that_is_no_exact_number_is_refused(price):
    assert refusal(answer_of({**raw_entry(), "UnitPrice": price})) == "Entry 1 has no usable UnitPrice."


@pytest.mark.parametrize("price", ["-0.01", "10000001", "1e30", "1e999999"])
def test_a_price_that_cannot_be_right_is_refused(price):
    assert refusal(answer_of(raw_entry(price=price))).startswith("Entry 1 has a price that cannot be right")


def test_a_price_that_could_not_be_kept_exactly_is_refused():
    assert "more than ten decimals" in refusal(answer_of(raw_entry(price="0.00000000001")))


@pytest.mark.parametrize("price", [0, 3, Decimal("0E+3"), Decimal("1E+3"), Decimal("0.0000000001")])
def test_whole_numbers_zero_and_small_prices_are_prices(price):
    entries = read_publication(answer_of({**raw_entry(), "UnitPrice": price}), region=REGION)
    assert entries[0].unit_price == price


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
    ("flags", "per_month"), [("PER_MONTH", True), ("OTHER", False), (None, False), ([], False)]
)
def test_only_the_flag_per_month_makes_a_price_monthly(flags, per_month):
    assert read_publication(answer_of(raw_entry(Flags=flags)), region=REGION)[0].per_month is per_month
