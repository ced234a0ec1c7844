"""The servers of a portal of many processes: a PostgreSQL, a Redis, gunicorn; on free ports."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait_for(is_so: Callable[[], object], what: str, *, seconds: float = START_SECONDS) -> None:
    """Wait until something is so; end the run when it never is."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            sys.exit(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)


@dataclass
class Postgresql:
    """A PostgreSQL of our own in ``folder``, which keeps what it has committed over a crash."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """What ``DATABASE_URL`` says."""
        return f"postgres://postgres@{HOST}:{self.port}/postgres"

    def start(self) -> None:
        """Make the cluster if there is none, and start it."""
        data = self.folder / "postgresql"
        if not data.exists():
            self.folder.chmod(0o755)
            data.mkdir()
            if os.getuid() == 0:  # PostgreSQL refuses to run as root
                os.chown(data, pwd.getpwnam("postgres").pw_uid, -1)
            self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        self._control("start", "--log", str(data / "log"), "--options", self._options)

    def restart(self, mode: str) -> None:
        """Restart it: ``fast`` ends every connection, ``immediate`` is a crash."""
        log = str(self.folder / "postgresql" / "log")
        self._control("restart", "--mode", mode, "--log", log, "--options", self._options)

    def stop(self) -> None:
        """Stop it."""
        self._control("stop", "--mode", "immediate")

    @property
    def _options(self) -> str:
        return f"-p {self.port} -c listen_addresses={HOST} -c unix_socket_directories="

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--wait", "--silent", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        found = max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*become, str(found), f"--pgdata={self.folder / 'postgresql'}", *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own


@dataclass
class Redis:
    """A Redis of our own, which keeps nothing."""

    port: int = field(default_factory=free_port)
    _process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """What ``CACHE_URL`` says."""
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        """Start it, empty."""
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            HOST,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        wait_for(lambda: listens(self.port), "the start of Redis")

    def freeze(self) -> None:
        """Let it answer nothing, as when its machine has vanished from the network."""
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class Portal:
    """The portal as it is run for others: gunicorn with our configuration, told by ``environment`` alone."""

    environment: dict[str, str]
    log: Path
    code: Path = ROOT
    limits: Callable[[], None] | None = None
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    def manage(self, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return subprocess.run(  # noqa: S603 - our own
            [sys.executable, "manage.py", *arguments],
            cwd=self.code,
            env=self.environment | options,
            capture_output=True,
            text=True,
            check=False,
        )

    def prepare(self) -> None:
        """Make the tables and collect the static files."""
        for command in (["migrate", "--noinput"], ["createcachetable"], ["collectstatic", "--noinput"]):
            done = self.manage(*command)
            if done.returncode:
                sys.exit(done.stderr)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "finops_site.wsgi"],
                cwd=self.code,
                env=self.environment | {"GUNICORN_BIND": f"{HOST}:{self.port}"},
                stdout=log,
                stderr=log,
                preexec_fn=self.limits,  # noqa: PLW1509 - this process has no other threads that matter
            )
        wait_for(self._answers, "the start of the portal")

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                for worker in self.workers():
                    os.kill(worker, signal.SIGKILL)
                self._process.kill()
            self._process = None

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            sys.exit(f"the portal did not start: {self.log.read_text()[-2000:]}")
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False
