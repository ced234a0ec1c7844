"""Redis is stopped, hangs, and comes back empty."""

from concurrent.futures import ThreadPoolExecutor

from bench.faults.report import Report
from bench.faults.stage import Stage, final_days, question, stage
from bench.faults.stored import lost
from bench.faults.visitor import REGION, Visitor
from sandbox.cloud import PAYING_KEY

WRONG_SECRET = "WRONG0000000000000000000000000000000000000"  # noqa: S105


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("Redis gone")
    with stage(with_redis=True) as here:
        here.with_prices()
        visitor = here.visitor()
        here.sync(*final_days(10))
        before = here.database.counts()
        here.redis.stop()
        report.did("Redis stopped")
        _without(report, here, visitor, "stopped")
        here.redis.start()
        report.did("Redis started, empty")
        report.until(
            "/readyz says that the cache is there", lambda: _cache_state(visitor) == "ok", seconds=15
        )
        here.redis.freeze()
        report.did("Redis frozen: it takes connections and answers nothing")
        _without(report, here, visitor, "frozen")
        here.redis.stop()
        here.redis.start()
        report.did("Redis started again, empty")
        report.until(
            "/readyz says that the cache is there", lambda: _cache_state(visitor) == "ok", seconds=15
        )
        report.expect("the session has lasted", visitor.get("/quotes/").status == 200)
        gone = lost(before, here.database.counts())
        report.expect("nothing that was committed is lost", not gone, gone)
    return report.verdict()


def _without(report: Report, here: Stage, visitor: Visitor, how: str) -> None:
    seen = visitor.pages()
    slowest = max(one.seconds for one in seen)
    report.saw(f"{len(seen)} pages: {sorted({one.status for one in seen})}, the slowest {slowest:.1f} s")
    report.expect(
        "every page answers 200",
        all(one.status == 200 for one in seen),
        [str(one) for one in seen if one.status != 200],
    )
    first, last = final_days(20)
    slices = [visitor.read_slice(question(first, last)) for _ in range(3)]
    report.expect("readings go on", all(one.status == 200 for one in slices), [one.status for one in slices])
    for part in ("/costs/", "/quotes/"):
        report.expect(f"{part} as a fragment", visitor.get(part, htmx=True).status == 200)
    report.expect("somebody else can log in", Visitor(here.portal.url).log_in().status == 302)
    if how == "stopped":
        _limits_hold(report, here)
    state = _cache_state(visitor)
    report.expect("/readyz answers 200 and says that the cache is away", state == "away", state)


def _limits_hold(report: Report, here: Stage) -> None:
    """Try wrong keys, all at once: the portal refuses after three failures, and four would lock the key."""
    here.cloud.requests.clear()
    strangers = [Visitor(here.portal.url, PAYING_KEY) for _ in range(8)]
    with ThreadPoolExecutor(len(strangers)) as pool:
        tries = list(pool.map(lambda one: one.log_in(secret_key=WRONG_SECRET), strangers))
    report.saw(f"eight logins at once with a wrong secret: {sorted(one.status for one in tries)}")
    asked = here.cloud.requests.count(call="ReadAccounts")
    report.expect("the cloud was asked three times at most; the fourth would lock the key", asked <= 3, asked)
    is_locked = here.cloud.api.locks.is_locked(REGION, PAYING_KEY.access_key)
    report.expect("the key is not locked", not is_locked)


def _cache_state(visitor: Visitor) -> str:
    seen = visitor.get("/readyz")
    return (
        "away" if '"away"' in seen.text and seen.status == 200 else "ok" if seen.status == 200 else seen.text
    )
