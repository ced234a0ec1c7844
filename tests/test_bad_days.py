from importlib import import_module
from pathlib import Path

import pytest

from bench.faults.__main__ import NAMES
from bench.faults.report import Report
from bench.faults.stored import lost
from bench.faults.visitor import Seen, goes_on

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "bad-days.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_each_bad_day_can_be_made_and_stands_in_the_document(name):
    assert callable(import_module(f"bench.faults.{name}").main)
    assert f"(`{name}`)" in DOCUMENT


def test_a_report_fails_when_one_expectation_does_not_hold(capsys):
    report = Report("of a test")
    report.expect("this", holds=True)
    assert report.verdict()
    report.expect("that", holds=False, found=7)
    report.until("never", lambda: False, seconds=0)
    assert not report.verdict()
    assert "DOES NOT HOLD: that (found 7)" in capsys.readouterr().out


def test_what_is_lost_is_named_and_what_was_gained_is_not():
    assert lost({"quotes": 3, "lines": 5}, {"quotes": 2, "lines": 9}) == {"quotes": 1}


def test_a_reading_is_asked_for_again_as_the_page_does():
    progress = Seen("/", 200, '<form class="notice is-note" hx-trigger="load"><p>3 of 9 days</p></form>', 1.0)
    assert (goes_on(progress), progress.notice) == (True, "3 of 9 days")
    assert goes_on(Seen("/", 503, "<h1>No answer</h1>", 1.0))
    assert not goes_on(Seen("/", 200, "", 1.0))
