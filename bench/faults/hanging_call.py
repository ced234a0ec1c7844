"""One call of the cloud hangs for a minute: who asked waits for the timeout, nobody else does."""

import threading
import time

from bench.faults.report import Report
from bench.faults.stage import TIMEOUT_SECONDS, final_days, question, stage
from bench.faults.visitor import Seen, Visitor
from sandbox.cloud import PAYING_KEY

CALL = "ReadVms"
HANGS_SECONDS = 60
FAST_SECONDS = 1.5


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("One call of the cloud hangs for a minute")
    with stage(with_redis=True, on_postgresql=True, GUNICORN_WORKERS="1", GUNICORN_THREADS="8") as here:
        here.with_prices()
        visitor, other = here.visitor(), Visitor(here.portal.url, PAYING_KEY)
        other.log_in()
        visitor.pages()
        here.cloud.faults.add(CALL, "hang", HANGS_SECONDS)
        here.cloud.faults.add("ReadConsumptionAccount", "hang", HANGS_SECONDS)
        report.did(f"{CALL} and ReadConsumptionAccount answer nothing for {HANGS_SECONDS} s")
        hanging: list[Seen] = []
        asked = [
            threading.Thread(target=lambda: hanging.append(visitor.post("/costs/read/", htmx=True))),
            threading.Thread(target=lambda: hanging.append(visitor.read_slice(question(*final_days(20))))),
        ]
        for one in asked:
            one.start()
        time.sleep(1)
        seen = [one for who in (visitor, other) for _round in range(2) for one in who.pages()]
        slowest = max(one.seconds for one in seen)
        report.saw(
            f"{len(seen)} other pages of two users: {sorted({one.status for one in seen})}, "
            f"the slowest {slowest:.1f} s"
        )
        report.expect("they were asked for while the calls hung", len(hanging) < len(asked))
        report.expect("every other page answers 200", all(one.status == 200 for one in seen))
        report.expect(f"none takes more than {FAST_SECONDS} s", slowest <= FAST_SECONDS, f"{slowest:.1f} s")
        for one in asked:
            one.join()
        for one in hanging:
            report.saw(str(one))
            report.expect(
                "the wait ends with the timeout, long before the call",
                one.seconds <= 2 * TIMEOUT_SECONDS + 2,
                f"{one.seconds:.0f} s",
            )
            report.expect("the answer is no 500", one.status in (200, 503, 504), one.status)
        page = visitor.get("/costs/", htmx=True)
        report.saw(str(page))
        here.cloud.faults.clear()
        report.did("the calls answer again")
        report.until(
            "the days are read",
            lambda: "hx-trigger" not in visitor.read_slice(question(*final_days(20)) + "&again=1").text,
            seconds=60,
        )
    return report.verdict()
