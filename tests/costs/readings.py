"""Readings of the sandbox through the portal's own gateway, for tests."""

import datetime as dt
import json
import math
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from accounts.gateway import Gateway
from costs.inventory import OBJECTS, SOURCES
from costs.reading import Reading, advance
from sandbox.cloud import DEMO_KEY
from sandbox.server import running

STARTED_AT = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
EVERYTHING = (*SOURCES, OBJECTS)


def gateway(key=DEMO_KEY, region="eu-west-2"):
    return Gateway(key.access_key, key.secret_key, region, key.account_id)


def begin(key=DEMO_KEY, region="eu-west-2", calls=EVERYTHING):
    return Reading.begin(account_id=key.account_id, region=region, at=STARTED_AT, calls=calls)


def read(key=DEMO_KEY, region="eu-west-2", calls=EVERYTHING, *, seconds=math.inf):
    """Return a reading of these lists, gone as far as it goes in these seconds."""
    begun = begin(key, region, calls)
    advance(begun, gateway(key, region), seconds=seconds)
    return begun


def lists(inventory):
    """Return everything that was read, list by list, whatever the order in which the lists came to an end."""
    return {name: getattr(inventory, name) for name in inventory.__struct_fields__} | {
        "read": sorted(inventory.read),
        "missing": sorted(inventory.missing, key=lambda one: (one.call, one.detail)),
    }


def counted(inventory):
    """Return how many resources of each list there are, and the buckets."""
    fields = [source.field for source in SOURCES.values()]
    return {name: len(getattr(inventory, name)) for name in (*fields, "buckets")}


@contextmanager
def cloud_that_turns(settings, turn, **options):
    """A sandbox of one test: ``turn(sandbox, call)`` is told of each answer before it is sent."""

    def watch(request, _reply):
        turn(sandbox, "ListObjectsV2" if "/oos/" in request.path else request.path.rpartition("/")[2])

    with running(seed=1, watch=watch, **options) as sandbox:
        settings.OUTSCALE_API_URL, settings.OUTSCALE_OOS_URL = sandbox.url, sandbox.oos_url
        settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
        yield sandbox


@contextmanager
def cloud_that_says(settings, say):
    """A cloud of one test: ``say(call, token)`` is the body of its answer for the page of that token.

    Yields the calls that were asked.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            parameters = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = self.path.rpartition("/")[2]
            asked.append(call)
            body = say(call, parameters.get("NextPageToken", ""))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    settings.OUTSCALE_API_URL = f"http://127.0.0.1:{server.server_port}/{{region}}/api/v1"
    settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
