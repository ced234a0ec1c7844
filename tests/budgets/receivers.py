"""What alerts are sent to in tests: a mail server and a webhook, both on this machine."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


class MailServer:
    """Keeps the envelopes that it was given; refuses while it has a ``refusal``, such as ``451 later``."""

    def __init__(self):
        self.envelopes = []
        self.refusal = ""

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name that aiosmtpd calls
        if self.refusal:
            return self.refusal
        self.envelopes.append(envelope)
        return "250 OK"


@contextmanager
def mail_server(settings):
    """Run a mail server that the settings name."""
    server = MailServer()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    try:
        yield server
    finally:
        controller.stop()


class Webhook(ThreadingHTTPServer):
    """Keeps what was posted to it, and answers with ``status`` and ``headers``, after ``before_answer``."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted, self.paths, self.sent_headers = [], [], []
        self.status, self.headers, self.before_answer, self.body = 200, {}, lambda: None, b"ok"

    @property
    def place(self):
        return f"127.0.0.1:{self.server_port}"

    def url(self, path="/hook", scheme="http"):
        return f"{scheme}://{self.place}{path}"

    def handle_error(self, *_address):
        """Say nothing of a client that has hung up."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        server.paths.append(self.path)
        server.sent_headers.append(dict(self.headers))
        server.before_answer()
        self.send_response(server.status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_arguments):
        pass


@contextmanager
def webhook(settings, context=None):
    """Run a webhook that the operators allow; with a TLS ``context`` over HTTPS."""
    server = Webhook()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    settings.WEBHOOK_ALLOWED_HOSTS = [*settings.WEBHOOK_ALLOWED_HOSTS, server.place]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
