"""How gunicorn runs the portal: ``gunicorn finops_site.wsgi``, in this folder, takes it by itself.

The variables are listed in ``.env.example``. A socket that systemd hands over is used instead of
``GUNICORN_BIND``.
"""

import os
from pathlib import Path
from typing import Any

import environ

from finops_site import workermetrics

_HERE = Path(__file__).resolve().parent

env = environ.Env()
if (_HERE / ".env").exists():
    env.read_env(_HERE / ".env")

# The portal believes X-Forwarded-Proto and X-Forwarded-For, so only its proxy may reach it: one on this
# machine, unless said otherwise.
bind = env("GUNICORN_BIND", default="127.0.0.1:8000")
# 4,094 bytes are not enough for an address that filters by many resources or accounts; nginx takes 8 KiB.
limit_request_line = 8190

# A request mostly waits, for the cloud or the database: threads. Arithmetic takes a processor whole: workers,
# two for each, so that what a page takes to make holds up the fewer of the others (docs/scale.md).
worker_class = "gthread"
workers = env.int("GUNICORN_WORKERS", default=max(4, 2 * len(os.sched_getaffinity(0))))
threads = env.int("GUNICORN_THREADS", default=4)
# Loaded once, before the workers part: they share that memory, and a renewed one serves at once. So new code
# comes by a restart, during which systemd's socket lets visitors wait; a reload (SIGHUP) renews the workers.
preload_app = True

# Whatever grows in a worker ends with it; the jitter keeps the workers from being renewed all at once.
max_requests = env.int("GUNICORN_MAX_REQUESTS", default=100_000)
max_requests_jitter = max_requests // 5

# A worker that is asked to stop answers first what it has begun. The longest request is a login of three
# calls that each last as long as they may, 2 × OUTSCALE_TIMEOUT_SECONDS. nginx and systemd wait longer.
graceful_timeout = 75
# For a worker that hangs as a whole; a thread that waits keeps none from living.
timeout = 60
# Longer than a load balancer keeps a connection it does not use, or requests are lost on one just closed.
keepalive = 75

# Addresses hold what people search for, so requests are logged, without queries, by the proxy.
accesslog = None
errorlog = "-"  # until the portal is loaded, whose own log then takes over the lines of the server (LOG_FILE)

if Path("/dev/shm").is_dir():  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108  the sign of life must not wait for a disk

# Before the portal is loaded, for whatever counts decides then where: in files that all workers add up.
if env("METRICS_TOKEN", default=""):
    workermetrics.make_folder()

control_socket_disable = True  # signals do, and the home of the user may be read-only


def pre_fork(_server: Any, _worker: Any) -> None:
    """See to it that a new worker can count: one that cannot would answer nothing."""
    if workermetrics.FOLDER in os.environ:
        workermetrics.make_folder()


def child_exit(server: Any, worker: Any) -> None:
    """Keep what a worker has counted when it ends; the server goes on even without."""
    if workermetrics.FOLDER in os.environ:
        try:
            workermetrics.take_over(worker.pid)
        except Exception:
            server.log.exception("What worker %s has counted is lost", worker.pid)


def on_reload(server: Any) -> None:
    """Take back the handler that a reload gives to the lines of the server, which would come twice."""
    server.log.error_log.handlers.clear()
    server.log.error_log.propagate = True
