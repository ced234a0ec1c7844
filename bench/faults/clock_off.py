"""The clock of a host is ten minutes ahead, then ten minutes behind; another host of the portal is right."""

from bench.faults import clocks
from bench.faults.report import Report
from bench.faults.stage import Stage, final_days, question, stage
from bench.faults.visitor import REGION, Seen, Visitor
from bench.servers import Portal
from sandbox.cloud import DEMO_KEY, PAYING_KEY

MINUTES = 10
WRONG_SECRET = "WRONG0000000000000000000000000000000000000"  # noqa: S105


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("A clock that is off by ten minutes")
    if not clocks.can_be_moved():
        print("left out: there is no C compiler for the library that moves a clock")
        return True
    with stage(on_postgresql=True, with_redis=True) as here:
        here.with_prices()
        visitor = here.visitor()
        _read(here, visitor, 5)
        for minutes in (MINUTES, -MINUTES):
            other = _host(here, 60 * minutes)
            other.start()
            try:
                report.did(
                    f"a second host, whose clock is {abs(minutes)} min {'ahead' if minutes > 0 else 'behind'}"
                )
                moved = _same_session(visitor, other)
                _pages(report, visitor, moved)
                (_ahead if minutes > 0 else _behind)(report, here, moved, other)
                _others_read_on(report, here, visitor)
            finally:
                other.stop()
        report.expect(
            "no failed login is counted but those meant", here.database.counts()["failed logins"] == 3
        )
    return report.verdict()


def _host(here: Stage, seconds: int) -> Portal:
    return Portal(here.portal.environment | clocks.moved(here.folder, seconds), here.portal.log)


def _same_session(visitor: Visitor, host: Portal) -> Visitor:
    return visitor.at(host.url)


def _pages(report: Report, visitor: Visitor, moved: Visitor) -> None:
    for _round in range(2):
        seen = moved.pages() + visitor.pages()
    bad = [str(one) for one in seen if one.status != 200]
    report.expect("the session holds on both hosts, and every page answers 200", not bad, bad)


def _ahead(report: Report, here: Stage, moved: Visitor, other: Portal) -> None:
    for name, seen in (
        ("the reading of days", moved.read_slice(question(*final_days(30)))),
        ("the reading of what runs", _cost(moved)),
        ("a login", Visitor(other.url).log_in()),
        ("a login with a wrong secret", Visitor(other.url).log_in(secret_key=WRONG_SECRET)),
    ):
        report.saw(f"{name}: {seen}")
        said = "clock of the portal" in seen.text
        report.expect(f"{name} says that the clock is off", said and seen.status in (200, 503), seen.status)
        report.expect(f"{name} does not say that the keys are refused", "refused these keys" not in seen.text)
    locked = here.cloud.api.locks.is_locked(REGION, DEMO_KEY.access_key)
    report.expect("the key is not locked", not locked)


def _behind(report: Report, here: Stage, moved: Visitor, other: Portal) -> None:
    seen = moved.read_slice(question(*final_days(45)))
    report.saw(f"a reading, by a cloud that takes signatures that are ten minutes old: {seen}")
    report.expect("it is answered", seen.status == 200, seen.status)
    right, late = Visitor(here.portal.url, PAYING_KEY), Visitor(other.url, PAYING_KEY)
    tries = [right.log_in(secret_key=WRONG_SECRET).status for _ in range(3)]
    there = late.log_in(secret_key=WRONG_SECRET)
    report.saw(f"three wrong logins on the right host: {tries}; then on the other: {there.status}")
    report.expect("the limit of logins holds over both hosts", there.status == 429, there.status)
    locked = here.cloud.api.locks.is_locked(REGION, PAYING_KEY.access_key)
    report.expect("the key is not locked", not locked)


def _others_read_on(report: Report, here: Stage, visitor: Visitor) -> None:
    days = 15 + here.database.counts()["days read"]
    report.until("the right host reads days at once", lambda: _read(here, visitor, days), seconds=15)
    report.until(
        "the right host reads what runs at once",
        lambda: (seen := _cost(visitor)).status == 200 and "hx-trigger" not in seen.text,
        seconds=25,
    )


def _read(here: Stage, visitor: Visitor, days: int) -> bool:
    first, last = final_days(days)
    return "hx-trigger" not in visitor.read_slice(question(first, last)).text


def _cost(visitor: Visitor) -> Seen:
    return visitor.post("/costs/read/", {"again": "1"}, htmx=True)
