"""Command: `python -m sandbox [--port 8001] [--seed N] [--size N] [--crowd N] [--latency-ms 40] [--fault …]`.

A fault is CALL=KIND, as `--help` tells.
"""

import argparse
import signal
import sys
import threading

from sandbox.cloud import ACCOUNTS, CONSUMPTION_ONLY_KEY, DEMO_KEY, LINKED_KEY, PAYING_KEY, READ_ONLY_KEY
from sandbox.faults import KINDS, Faults
from sandbox.regions import REGIONS
from sandbox.server import HOST, Sandbox, running

_SHOWN_KEYS = (DEMO_KEY, PAYING_KEY, LINKED_KEY, READ_ONLY_KEY, CONSUMPTION_ONLY_KEY)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status, 1 when the port is taken."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with running(options.seed, port=options.port, size=options.size, crowd=options.crowd) as sandbox:
            if options.latency_ms:
                sandbox.faults.add("*", "latency", options.latency_ms)
            for fault in options.fault:
                sandbox.faults.parse(fault)
            print(_greeting(sandbox), flush=True)
            stop.wait()
    except OSError as error:
        print(f"The sandbox cannot listen on {HOST}:{options.port}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sandbox", description="A local OUTSCALE on loopback.")
    parser.add_argument("--port", type=int, default=8001, help="default: %(default)s; 0 is any free one")
    parser.add_argument("--seed", type=int, default=1, help="of the inventory; default: %(default)s")
    parser.add_argument(
        "--size",
        type=_count,
        help="resources of the demo account in each region; default: a few of each kind",
    )
    parser.add_argument(
        "--crowd", type=_count, default=0, help="how many accounts there are besides; default: none"
    )
    parser.add_argument("--latency-ms", type=float, default=0, help="delay of every answer; default: none")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_fault,
        metavar="CALL=KIND[:ARG]",
        help=f"what goes wrong with a call, REGION/CALL or *; KIND is one of {', '.join(KINDS)}",
    )
    return parser


def _count(text: str) -> int:
    """Return a number, or say that it is none."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def _fault(text: str) -> str:
    """Return a fault as it was written, or say what is wrong with it."""
    try:
        Faults().parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _greeting(sandbox: Sandbox) -> str:
    keys = "\n".join(
        f"  {ACCOUNTS[key.account_id].company} ({key.account_id}), {key.user}\n"
        f"    access key {key.access_key}\n"
        f"    secret key {key.secret_key}"
        for key in _SHOWN_KEYS
    )
    return (
        f"OUTSCALE sandbox listening; regions {', '.join(REGIONS)}\n"
        f"OUTSCALE_API_URL={sandbox.url}\n"
        f"OUTSCALE_OOS_URL={sandbox.oos_url}\n"
        f"Keys of the demo, which open nothing else:\n{keys}"
    )


if __name__ == "__main__":
    sys.exit(main())
