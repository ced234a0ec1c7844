"""HTTP on loopback around the API, for the command line and for tests in the same process."""

import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.answers import Reply
from sandbox.api import Api, Disconnect, Request
from sandbox.cloud import Cloud
from sandbox.faults import Faults
from sandbox.objectstore import ObjectStore
from sandbox.received import RequestLog

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
_SECONDS_TO_END = 2
_LARGEST_BODY = 1_000_000
# Makes close() drop the connection at once, so that the other side sees a reset.
_DROP = struct.pack("ii", 1, 0)

Watch = Callable[[Request, Reply], None]
Answer = Callable[[Request], Reply]


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"
    server_version = "OUTSCALE-sandbox"
    # One write per answer, sent at once: a kept connection would else wait 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = self._length()
        if length is None:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        request = self._request(self.rfile.read(length))
        try:
            reply = self.server.answer(request)
        except Disconnect as instruction:
            self._disconnect(abruptly=instruction.abruptly)
            return
        self.server.watch(request, reply)
        self._send(reply)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815

    def log_message(self, *_arguments: object) -> None:
        """Stay silent: what was asked is in the request log."""

    def _length(self) -> int | None:
        """Return the length of the body in bytes, None where it is not said or too much."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY or "Transfer-Encoding" in self.headers:
            return None
        return int(length)

    def _request(self, body: bytes) -> Request:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers, body, self.client_address[1])

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def _disconnect(self, *, abruptly: bool) -> None:
        self.close_connection = True
        if abruptly:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer, ending: threading.Event, watch: Watch | None) -> None:
        self.answer = answer
        self.watch = watch or (lambda _request, _reply: None)
        self._ending = ending
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        request.close()
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        """Say nothing of clients that went away."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            logger.error("A connection failed", exc_info=error)

    def end(self) -> None:
        """Stop listening, end what hangs or waits, and close every connection."""
        self._ending.set()
        self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._open:
                _wake(connection)
            self._changed.wait_for(lambda: not self._open, _SECONDS_TO_END)


def _wake(connection: socket.socket) -> None:
    """End a connection, so that the thread that reads from it goes on."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("A connection was closed already")


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox. `url` is the pattern of its base URLs, with `{region}` in it."""

    port: int
    cloud: Cloud
    faults: Faults
    requests: RequestLog
    api: Api

    @property
    def url(self) -> str:
        """The value for OUTSCALE_API_URL."""
        return f"http://{HOST}:{self.port}/{{region}}/api/v1"

    @property
    def oos_url(self) -> str:
        """The value for OUTSCALE_OOS_URL: the object storage, with buckets in the path."""
        return f"http://{HOST}:{self.port}/{{region}}/oos"

    def region_url(self, region: str) -> str:
        """Return the base URL of one region."""
        return self.url.format(region=region)

    def reset(self) -> None:
        """Return to the start: no fault, lock or logged request, first prices and inventories, real time."""
        self.faults.clear()
        self.requests.clear()
        self.api.locks.reset()
        self.cloud.reset()


@contextmanager
def running(
    seed: int = 1, *, size: int | None = None, crowd: int = 0, port: int = 0, watch: Watch | None = None
) -> Iterator[Sandbox]:
    """Serve a sandbox until the end of the `with` block; port 0 is any free one.

    With `size`, the demo account owns that many resources in each region; `crowd` is how many accounts there
    are besides.
    `watch` is called with each request and its reply before this is sent, in the thread of the connection.
    """
    cloud, faults, log = Cloud(seed, size=size, crowd=crowd), Faults(), RequestLog()
    ending = threading.Event()
    api = Api(cloud, faults, log, pause=ending.wait)
    store = ObjectStore(cloud, faults, log, pause=ending.wait)

    def answer(request: Request) -> Reply:
        return (store if store.serves(request.path) else api).answer(request)

    server = _Server(port, answer, ending, watch)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Sandbox(server.server_port, cloud, faults, log, api)
    finally:
        server.end()
        thread.join()
