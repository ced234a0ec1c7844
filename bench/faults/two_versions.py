"""An upgrade: the last release with fewer migrations and this one serve the same people at the same time."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.faults.report import Report
from bench.faults.stage import Stage, final_days, question, stage
from bench.faults.stored import lost
from bench.faults.visitor import PAGES, Seen, Visitor
from bench.servers import ROOT, Portal
from sandbox.cloud import PAYING_KEY

ALL_PAGES = (
    *PAGES,
    "/consumption/anomalies/",
    "/consumption/forecast/",
    "/consumption/drift/",
    "/consumption/invoice/",
    "/budgets/new/",
)
ROUNDS = 2


def main() -> bool:
    """Make it, and tell whether all was as promised."""
    report = Report("Two versions during an upgrade")
    if not (ROOT / ".git").exists():
        print("left out: the code of the release before is in the repository, which is not here")
        return True
    commit = _release_before()
    with tempfile.TemporaryDirectory() as folder, stage(on_postgresql=True, with_redis=True) as here:
        _check_out(commit, Path(folder))
        _upgrade(report, here, Path(folder), commit)
    return report.verdict()


def _upgrade(report: Report, here: Stage, folder: Path, commit: str) -> None:
    before = Portal(here.portal.environment, here.portal.log, code=folder)
    here.portal.stop()
    here.postgresql.stop()
    shutil.rmtree(here.folder / "postgresql")
    here.postgresql.start()
    before.prepare()
    before.start()
    try:
        before.manage("refresh_catalogs")
        visitor = Visitor(before.url)
        visitor.log_in()
        _use(visitor, days=20)
        kept = here.database.counts()
        report.did(f"release {commit[:7]} is running, and used")
        migrated = here.portal.manage("migrate", "--noinput")
        report.did(f"migrated by the new release: {_applied(migrated.stdout)}")
        report.expect("there was something to migrate", "Applying" in migrated.stdout)
        here.portal.start()
        both = {"before": visitor, "new": visitor.at(here.portal.url)}
        for round_ in range(ROUNDS):
            for name, one in both.items():
                seen = _use(one, days=30 + 10 * round_)
                bad = [str(found) for found in seen if found.status not in (200, 302)]
                report.expect(
                    f"release {name}, round {round_ + 1}: {len(seen)} requests are served", not bad, bad
                )
        for name, one in both.items():
            other = Visitor(one.url, PAYING_KEY)
            report.expect(f"release {name}: somebody can log in", other.log_in().status == 302)
            ready = Visitor(one.url).get("/readyz")
            report.expect(f"release {name}: /readyz answers 200", ready.status == 200, ready.text)
        gone = lost(kept, here.database.counts())
        report.expect("nothing that was committed is lost", not gone, gone)
        before.stop()
        report.did("the old release is stopped")
        seen = both["new"].pages(ALL_PAGES)
        report.expect("the session goes on", all(one.status == 200 for one in seen))
    finally:
        before.stop()


def _use(visitor: Visitor, *, days: int) -> list[Seen]:
    """Look at every page, read days and what runs, and write."""
    seen = visitor.pages(ALL_PAGES)
    seen.append(visitor.read_slice(question(*final_days(days))))
    seen.append(visitor.post("/costs/read/", htmx=True))
    seen.append(visitor.post("/quotes/", {"name": "of an upgrade"}))
    seen += [visitor.get(f"{address}?{question(*final_days(days))}", htmx=True) for address in ALL_PAGES[4:7]]
    return seen


def _release_before() -> str:
    """Return the last commit before the newest one that has brought migrations."""
    newest = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", "*/migrations/0*.py")
    return _git("rev-parse", f"{newest.strip()}^").strip()


def _check_out(commit: str, folder: Path) -> None:
    archive = folder / "code.tar"
    _git("archive", f"--output={archive}", commit)
    shutil.unpack_archive(archive, folder, filter="data")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout if done.returncode == 0 else sys.exit(done.stderr)


def _applied(said: str) -> str:
    return ", ".join(line.split()[1].removesuffix("...") for line in said.splitlines() if "Applying" in line)
