"""The cloud throttles everybody: every call is answered 429, or 503 with code 6 for the whole platform."""

import time

from bench.faults.report import Report
from bench.faults.stage import Stage, final_days, question, stage
from bench.faults.stored import lost
from bench.faults.visitor import REGION, Seen, Visitor
from sandbox.cloud import DEMO_KEY

SLICES = 3
PAUSE_SECONDS = 5
"""How long the page waits before its next slice."""

MOST_SECONDS = 8


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("The cloud throttles everybody")
    with stage(with_redis=True, on_postgresql=True) as here:
        here.with_prices()
        first, last = final_days(30)
        here.sync(first, last)
        visitor = here.visitor()
        figures = visitor.get(f"/consumption/?{question(first, last)}", htmx=True).text
        before = here.database.counts()
        for kind, argument in (("throttle", None), ("answer", "503/6")):
            here.cloud.faults.add("*", kind, argument)
            report.did(f"every call is answered {argument or '429/24'}")
            _while_throttled(report, here, visitor, figures)
            here.cloud.faults.clear()
        report.did("the throttling has ended")
        report.until("a reading goes on", lambda: "hx-trigger" not in _slice(visitor).text, seconds=60)
        gone = lost(before, here.database.counts())
        report.expect("nothing that was committed is lost", not gone, gone)
    return report.verdict()


def _while_throttled(report: Report, here: Stage, visitor: Visitor, figures: str) -> None:
    seen = visitor.pages()
    report.expect(
        "every page answers 200",
        all(one.status == 200 for one in seen),
        [str(one) for one in seen if one.status != 200],
    )
    kept = visitor.get(f"/consumption/?{question(*final_days(30))}", htmx=True)
    report.expect("what is kept is still shown, to the cent", _total(kept.text) == _total(figures) != "")
    here.cloud.requests.clear()
    begun, slices = time.monotonic(), []
    for _ in range(SLICES):
        slices.append(_slice(visitor))
        time.sleep(PAUSE_SECONDS)
    calls = [received.time for received in here.cloud.requests]
    spent, longest = time.monotonic() - begun, max(one.seconds for one in slices)
    report.saw(str(slices[0]))
    report.saw(f"{SLICES} slices took {longest:.1f} s at most, and {len(calls)} calls in {spent:.1f} s")
    report.expect("no slice holds a thread for long", longest <= MOST_SECONDS, f"{longest:.1f} s")
    report.expect(
        "the page says that it waits, and goes on by itself", all("hx-trigger" in one.text for one in slices)
    )
    report.expect("the calls are few: at most two a second", len(calls) <= 2 * spent + 2, len(calls))
    cost = visitor.post("/costs/read/", htmx=True)
    report.saw(str(cost))
    report.expect("no answer is a 500", cost.status != 500, cost.status)
    stranger = Visitor(here.portal.url).log_in()
    said = "OUTSCALE is receiving too many requests" in stranger.text
    report.saw(f"a login: {stranger.status}, {'which says why' if said else stranger.notice}")
    report.expect("a login is answered 503, and says why", stranger.status == 503 and said, stranger.status)
    report.expect("no failed login is counted", here.database.counts()["failed logins"] == 0)
    report.expect("the key is not locked", not here.cloud.api.locks.is_locked(REGION, DEMO_KEY.access_key))


def _slice(visitor: Visitor) -> Seen:
    first, last = final_days(90)
    return visitor.read_slice(question(first, last))


def _total(page: str) -> str:
    return page.partition('data-figure="total"')[2].partition("</")[0]
