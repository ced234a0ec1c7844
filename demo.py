"""The demo: a local OUTSCALE (the sandbox) and the portal in front of it, until Ctrl-C (`make demo`).

The portal listens on ``DEMO_PORT``, 8000 by default, the sandbox on the port after it. Budgets are checked
every minute; the mails that tell of them are files in ``var/mail``.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sandbox.cloud import DEMO_KEY, LINKED_KEY, PAYING_KEY

HERE = Path(__file__).resolve().parent
DATA = HERE / "var"
HOST = "127.0.0.1"
PORTAL_PORT = int(os.environ.get("DEMO_PORT", "8000"))
SANDBOX_PORT = PORTAL_PORT + 1
START_SECONDS = STOP_SECONDS = 20
CHECK_SECONDS = 60

MANAGE = [sys.executable, "manage.py"]
PREPARATION = (
    ["migrate", "--verbosity=0"],
    ["createcachetable", "--verbosity=0"],
    ["collectstatic", "--noinput", "--verbosity=0"],
)
SANDBOX = [sys.executable, "-m", "sandbox", "--port", str(SANDBOX_PORT)]
PORTAL = [sys.executable, "-m", "gunicorn", "finops_site.wsgi", "--bind", f"{HOST}:{PORTAL_PORT}"]
PORTAL += ["--threads", "8", "--graceful-timeout", "3", "--no-control-socket", "--log-level", "warning"]


class DemoError(Exception):
    """The demo cannot go on; the message says why, and what to do."""


def main() -> int:
    """Prepare the database, run both servers, stop them on Ctrl-C, SIGTERM or when one of them ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        run()
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo has stopped.")
    return 0


def run() -> None:
    """Run the demo; comes back only by an exception."""
    for port in (PORTAL_PORT, SANDBOX_PORT):
        if _listens(port):
            raise DemoError(
                f"{HOST}:{port} is in use. Stop what listens there, or take other ports: "
                f"DEMO_PORT={PORTAL_PORT + 100} make demo"
            )
    environment = _environment()
    _prepare(environment)
    with _running(SANDBOX, SANDBOX_PORT, environment) as sandbox:
        if _manage(["refresh_catalogs"], environment):
            print("Not every price catalog could be loaded; the catalog page has a button to try again.")
        with _running(PORTAL, PORTAL_PORT, environment) as portal:
            print(
                f"\nThe portal: http://{HOST}:{PORTAL_PORT} (keys: see above). Ctrl-C stops the demo.",
                flush=True,
            )
            _check_budgets_until_the_end_of([sandbox, portal], environment)


def _environment() -> dict[str, str]:
    DATA.mkdir(exist_ok=True)
    return {
        **os.environ,
        "DEBUG": "false",
        "DEMO": "true",
        "SECRET_KEY": _secret_key(DATA / "demo_secret_key"),
        "DATABASE_URL": f"sqlite:///{DATA / 'demo.sqlite3'}",
        "CACHE_URL": "dbcache://portal_cache",
        "OUTSCALE_API_URL": f"http://{HOST}:{SANDBOX_PORT}/{{region}}/api/v1",
        "OUTSCALE_OOS_URL": f"http://{HOST}:{SANDBOX_PORT}/{{region}}/oos",
        "DEMO_ACCESS_KEY": DEMO_KEY.access_key,
        "DEMO_SECRET_KEY": DEMO_KEY.secret_key,
        "DEMO_MORE_KEYS": ",".join(f"{key.access_key}:{key.secret_key}" for key in (PAYING_KEY, LINKED_KEY)),
        "EMAIL_URL": f"filemail:///{DATA / 'mail'}",
        "PORTAL_URL": f"http://{HOST}:{PORTAL_PORT}",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


def _secret_key(kept_in: Path) -> str:
    """Answer the demo's own key, so that a session outlives a restart; made at the first run."""
    if not kept_in.exists():
        kept_in.touch(mode=0o600)
        kept_in.write_text(secrets.token_urlsafe(50))
    return kept_in.read_text()


def _prepare(environment: dict[str, str]) -> None:
    print("Preparing the database and the static files …", flush=True)
    for command in PREPARATION:
        if _manage(command, environment):
            raise DemoError(f"manage.py {command[0]} failed, see above.")


def _manage(command: list[str], environment: dict[str, str]) -> int:
    """Run a management command and return its exit code; Ctrl-C ends it without a word of its own."""
    run = subprocess.run([*MANAGE, *command], cwd=HERE, env=environment, check=False, start_new_session=True)
    return run.returncode


@contextmanager
def _running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Run a server from the moment it listens; whatever happens, it has ended afterwards.

    In a session of its own, so that Ctrl-C reaches this process only, which stops the servers in order.
    """
    process = subprocess.Popen(command, cwd=HERE, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"{' '.join(command[1:3])} did not start, see above.")
            time.sleep(0.1)
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the workers it has started
        process.wait()


def _check_budgets_until_the_end_of(servers: list[subprocess.Popen], environment: dict[str, str]) -> None:
    check, due = None, time.monotonic()
    try:
        while all(server.poll() is None for server in servers):
            if time.monotonic() >= due and (check is None or check.poll() is not None):
                command = [*MANAGE, "check_budgets"]
                check = subprocess.Popen(command, cwd=HERE, env=environment, start_new_session=True)
                due = time.monotonic() + CHECK_SECONDS
            time.sleep(0.3)
    finally:
        if check is not None:
            _stop(check)
    raise DemoError("One of the two servers has ended by itself, see above.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
