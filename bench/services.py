"""What a portal of several processes needs beside the cloud: a database server, a cache, workers."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import psutil

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS_TO_START = 30


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL of its own and hand out its ``DATABASE_URL``. It does not wait for its disk."""
    command = [str(_ROOT / ".ci/with-postgresql"), "sh", "-c", 'echo "$DATABASE_URL"; exec cat']
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        address = process.stdout.readline().strip()
        if not address:
            sys.exit("PostgreSQL did not start, see above")
        try:
            yield address
        finally:
            process.stdin.close()


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis of its own, which keeps nothing on disk, and hand out its ``CACHE_URL``."""
    server = shutil.which("redis-server")
    if server is None:
        sys.exit("There is no Redis server on this machine: apt-get install redis-server")
    port = free_port()
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own
        try:
            _wait_for(port)
            yield f"rediscache://127.0.0.1:{port}/0"
        finally:
            process.terminate()


@contextmanager
def workers(count: int) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Run the portal as gunicorn runs it, with this process's environment; yield its address and workers."""
    port = free_port()
    environment = os.environ | {"GUNICORN_BIND": f"127.0.0.1:{port}", "GUNICORN_WORKERS": str(count)}
    environment.pop("PAGE_TTL_SECONDS", None)
    command = [sys.executable, "-m", "gunicorn", "finops_site.wsgi", "--log-level", "warning"]
    with subprocess.Popen(command, cwd=_ROOT, env=environment) as process:  # noqa: S603 - our own
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(port)
            _wait_for_answer(f"{address}/healthz")
            yield address, psutil.Process(process.pid).children()
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _wait_for_answer(address: str) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own
        except (URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
