"""Runs of equal days hold exactly the days that were put, whatever the order."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consumption.runs import DayFigures, Run, Runs

KEYS = ["vm", "volume"]


def figures(hours):
    return DayFigures(Decimal(hours), Decimal("0.1"), Decimal(hours) / 10)


days = st.integers(1, 12)
contents = st.dictionaries(st.sampled_from(KEYS), st.integers(1, 2).map(figures))
writings = st.lists(st.tuples(days, contents), max_size=30)


def days_of(runs):
    """Return what each day of each key holds, and fail where two runs hold the same day."""
    found = {}
    for run in runs:
        for day in range(run.first, run.last + 1):
            assert (run.key, day) not in found
            found[run.key, day] = run.figures
    return found


def expected(writings):
    held = dict(writings)
    return {(key, day): value for day, content in held.items() for key, value in content.items()}


@given(writings)
def test_each_day_holds_what_was_put_last(writings):
    runs = Runs([])
    for day, content in writings:
        runs.put(day, content)

    assert days_of(runs) == expected(writings)


@given(writings)
def test_two_runs_of_a_key_that_touch_differ(writings):
    runs = Runs([])
    for day, content in writings:
        runs.put(day, content)

    for key in KEYS:
        mine = sorted((run for run in runs if run.key == key), key=lambda run: run.first)
        assert all(
            one.last + 1 < other.first or one.figures != other.figures for one, other in pairwise(mine)
        )


@given(writings, days, contents)
def test_what_is_reported_as_changed_and_removed_is_all_that_must_be_written(writings, day, content):
    before = Runs([])
    for written, held in writings:
        before.put(written, held)
    rows = {
        number: Run(run.key, run.figures, run.first, run.last, number) for number, run in enumerate(before, 1)
    }
    stored = {number: (run.key, run.figures, run.first, run.last) for number, run in rows.items()}

    runs = Runs(rows.values())
    runs.put(day, content)

    for run in runs.removed:
        stored.pop(run.row, None)
    for run in runs.changed:
        stored[run.row or object()] = (run.key, run.figures, run.first, run.last)
    assert days_of(Run(*facts) for facts in stored.values()) == days_of(runs)


def test_the_same_again_changes_nothing():
    runs = Runs([Run("vm", figures(24), 5, 9, row=1)])
    runs.put(7, {"vm": figures(24)})

    assert not runs.changed
    assert not runs.removed
