from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.template import Context, Template
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from costs.money import ScaledDecimalField, round_for_display, round_for_storage, show_money, trimmed

amounts = st.decimals(min_value="-900000000", max_value="900000000", places=10)


@given(amounts)
def test_an_amount_comes_back_from_the_database_as_it_went_in(amount):
    field = ScaledDecimalField()
    assert field.from_db_value(field.get_prep_value(amount), None, None) == amount


@given(st.lists(amounts, max_size=50))
def test_stored_amounts_add_up_exactly(values):
    field = ScaledDecimalField()
    assert field.from_db_value(sum(map(field.get_prep_value, values)), None, None) == sum(values)


@pytest.mark.parametrize(
    "value", [Decimal("0.00000000001"), Decimal(922337204), Decimal("NaN"), Decimal("Infinity")]
)
def test_what_the_database_cannot_hold_exactly_is_refused(value):
    with pytest.raises(ValueError, match=r"decimals|large|not an amount"):
        ScaledDecimalField().get_prep_value(value)


def test_a_binary_fraction_is_never_money():
    with pytest.raises(ValidationError):
        ScaledDecimalField().get_prep_value(0.1)


@pytest.mark.parametrize(
    ("exact", "shown"),
    [("0.125", "0.13"), ("0.135", "0.14"), ("-0.125", "-0.13"), ("2.5", "2.50"), ("-0.001", "0.00")],
)
def test_people_see_amounts_rounded_half_up(exact, shown):
    assert str(round_for_display(Decimal(exact))) == shown


def test_a_stored_product_is_rounded_once_half_even():
    assert round_for_storage(Decimal("0.00000000005")) == Decimal(0)
    assert round_for_storage(Decimal("0.00000000015")) == Decimal("0.0000000002")


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "€1,234,567.13"), ("fr", "1\u202f234\u202f567,13\xa0€")],
)
def test_amounts_are_written_in_the_language_of_the_reader(language, shown):
    with override(language):
        assert show_money(Decimal("1234567.125"), "EUR") == shown


def test_an_amount_without_currency_is_never_shown():
    with pytest.raises(ValueError, match="currency"):
        show_money(Decimal(1), "")


def test_an_unknown_amount_is_a_dash_and_not_zero():
    template = Template("{% load money %}{{ a|money:'EUR' }} {{ b|money:'EUR' }} {{ p|unit_price:'EUR' }}")
    assert template.render(Context({"a": None, "b": Decimal(0), "p": Decimal("0.0350")})) == "– €0.00 €0.035"


def test_amounts_for_programs_carry_no_zeros_and_no_exponent():
    assert [f"{trimmed(Decimal(text)):f}" for text in ("100", "1E+3", "0E-10", "1.50")] == [
        "100",
        "1000",
        "0",
        "1.5",
    ]
    assert f"{trimmed(Decimal(2) / 3):f}" == "0.6666666667"
