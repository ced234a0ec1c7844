"""The numbers of all workers of one gunicorn together, those that have ended too.

Each worker writes its numbers to files of its own (``prometheus_client``'s multiprocess mode), and whichever
is asked adds them up. What a worker leaves behind is added to one file for all that have ended: a worker is
renewed every some thousand requests, and its files would stay for ever.

gunicorn.conf.py uses this before anything of Django is loaded.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that tells ``prometheus_client``, once it is imported, where the files are."""

_ADDED = ("counter", "histogram")
_LOCK = "lock"


def make_folder() -> None:
    """Make an empty folder for the numbers of this process and its workers; it goes when this process does.

    One that this process has made already is kept, and made again where somebody has tidied it away.
    """
    mine = f"osc-finops-metrics-{os.getpid()}-"
    known = Path(os.environ.get(FOLDER, ""))
    if known.name.startswith(mine):
        known.mkdir(mode=0o700, exist_ok=True)
        (known / _LOCK).touch()
        return
    folder, owner = tempfile.mkdtemp(prefix=mine), os.getpid()
    (Path(folder) / _LOCK).touch()
    os.environ[FOLDER] = folder

    @atexit.register
    def remove() -> None:
        if os.getpid() == owner:  # a worker, which inherits this, leaves the folder alone
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    with (folder / _LOCK).open("a") as lock:
        fcntl.flock(lock, how)
        yield


@contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Let nobody add up what has ended while the files are read, or some of it would count twice."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


def take_over(pid: int) -> None:
    """Add the numbers of a worker that has ended to those of all before it, and remove its files."""
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415 - the folder must be named first

    folder = Path(os.environ[FOLDER])
    with _locked(folder, fcntl.LOCK_EX):
        for kind in _ADDED:
            left = folder / f"{kind}_{pid}.db"
            if left.exists():
                ended = MmapedDict(str(folder / f"{kind}_ended.db"))
                for key, value, _timestamp, _place in MmapedDict.read_all_values_from_file(str(left)):
                    ended.write_value(key, ended.read_value(key)[0] + value, 0.0)
                ended.close()
                left.unlink()
