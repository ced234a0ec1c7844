from decimal import Context, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from costs.amounts import Amount, amount_of, total
from costs.pricelist import FCU, PriceKey
from costs.pricing import Part, Period

prices = st.decimals(min_value=0, max_value=10**6, places=10, allow_nan=False)
# Bytes in GiB have up to thirty decimals.
quantities = st.one_of(
    st.integers(0, 10**12).map(Decimal),
    st.integers(0, 2**50).map(lambda size: Context(prec=60).divide(Decimal(size), 2**30)),
)
amounts = st.builds(Amount, hourly=prices, monthly=prices)
counted = st.lists(st.tuples(amounts, st.integers(0, 10_000)), max_size=20)


def part(quantity, price):
    return Part(PriceKey(FCU, "CustomRam", "RunInstances-OD"), "compute", quantity, price)


def exactly(amount):
    return Fraction(amount.hourly), Fraction(amount.monthly)


@given(counted)
def test_a_total_is_exact(pairs):
    found = exactly(total(pairs))

    assert found == (
        sum(Fraction(amount.hourly) * count for amount, count in pairs),
        sum(Fraction(amount.monthly) * count for amount, count in pairs),
    )


@given(counted, st.randoms())
def test_a_total_does_not_depend_on_the_order(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)

    assert total(shuffled) == total(pairs)


@given(counted, st.integers(0, 20))
def test_the_totals_of_two_halves_add_up_to_the_whole(pairs, cut):
    halves = [(total(pairs[:cut]), 1), (total(pairs[cut:]), 1)]

    assert total(halves) == total(pairs)


@given(st.lists(st.tuples(quantities, prices), max_size=10), st.sampled_from([Period.HOUR, Period.MONTH]))
def test_the_parts_of_a_price_are_added_exactly(factors, period):
    found = exactly(amount_of([part(*pair) for pair in factors], period))

    whole = sum(Fraction(quantity) * Fraction(price) for quantity, price in factors)
    assert found == ((whole, 0) if period == Period.HOUR else (0, whole))


@given(amounts)
def test_a_month_has_730_hours_and_a_year_twelve_months(amount):
    month = Fraction(amount.hourly) * 730 + Fraction(amount.monthly)

    assert Fraction(amount.month) == month
    assert Fraction(amount.year) == month * 12


@given(amounts)
def test_an_hour_of_what_is_monthly_is_a_730th_to_a_hundred_digits(amount):
    hour = Fraction(amount.hourly) + Fraction(amount.monthly) / 730

    assert abs(Fraction(amount.hour) - hour) <= Fraction(1, 10**90)
    assert Fraction(Amount(hourly=amount.hourly).hour) == Fraction(amount.hourly)


@given(amounts, amounts)
def test_a_difference_is_exact_and_taken_apart_for_hours_and_months(left, right):
    assert exactly(left - right) == (
        Fraction(left.hourly) - Fraction(right.hourly),
        Fraction(left.monthly) - Fraction(right.monthly),
    )


@given(amounts)
def test_only_nothing_counts_as_no_amount(amount):
    assert bool(amount) == (exactly(amount) != (0, 0))
