"""Servers on loopback that answer as no sandbox would."""

import socket
import threading
from contextlib import contextmanager


@contextmanager
def server(settings, respond):
    """A cloud of one test: ``respond`` gets each connection, after the request was read, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=answer, args=[connection], daemon=True).start()

    def answer(connection):
        with connection:
            try:
                connection.recv(65536)
                respond(connection)
            except OSError:
                return

    url = f"http://127.0.0.1:{listener.getsockname()[1]}/{{region}}"
    settings.OUTSCALE_API_URL, settings.OUTSCALE_OOS_URL = f"{url}/api/v1", f"{url}/oos"
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield connections
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=2)


def http(body, status="200 OK", headers=""):
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body
