"""Posting to an address that a user has chosen, which never leads into the network the server stands in.

A name is resolved once, and what is connected to is the very address that was judged: a name that means
another one a moment later (DNS rebinding) gains nothing. Redirects are not followed, no proxy of the
environment is used, and an answer ends at its status. Nothing here logs: an address is a secret.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from requests import certs

LOOK_UP_SECONDS = 5.0
"""How long the look-up of a name may take: a person waits for the form that asks for it."""

STEP_SECONDS = 5.0
"""How long one step may take: to connect, or to wait for the next bytes."""

TOTAL_SECONDS = 15.0
"""How long everything after the look-up of the name may take, however slowly an answer trickles."""

MOST_TRIED = 4
"""How many of a server's addresses are tried."""

LONGEST_ADDRESS = 2000

_PORTS = {"http": 80, "https": 443}
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_RELAYS = (IPv4Network("192.88.99.0/24"), IPv6Network("2002::/16"))
"""6to4: what is sent there is sent on to an IPv4 address that nobody has judged."""


_HOST_BITS = 64
"""In IPv6 a network leaves so many bits to its hosts (RFC 4291)."""


class WebhookFailed(Exception):
    """A webhook did not take what was posted. The message says why, without its address."""


@dataclass(frozen=True)
class Target:
    """Where an address leads; ``host`` is in ASCII and without brackets."""

    host: str
    port: int
    is_https: bool
    path: str = field(repr=False)

    @property
    def place(self) -> str:
        """Host and port, as ``WEBHOOK_ALLOWED_HOSTS`` names them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_allowed(self) -> bool:
        """Tell whether the operators trust this place, wherever it stands."""
        return self.place in {place.strip().lower() for place in settings.WEBHOOK_ALLOWED_HOSTS}


def check_address(url: str) -> None:
    """Raise ``ValidationError`` with the reason when nothing will be posted to ``url``. Asks the DNS."""
    _endpoints(target_of(url))


def post(url: str, document: Mapping[str, Any]) -> None:
    """Post a document as JSON; any status of 200 to 299 is success.

    Raises ``WebhookFailed``, in the language of the moment, for everything else.
    """
    try:
        target = target_of(url)
        endpoints = _endpoints(target)
    except ValidationError as error:
        raise WebhookFailed(error.messages[0]) from None
    until = time.monotonic() + TOTAL_SECONDS
    try:
        status = _status_of_post(target, endpoints, json.dumps(document).encode(), until)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WebhookFailed(_problem(error, is_late=time.monotonic() >= until)) from None
    if 300 <= status < 400:
        raise WebhookFailed(_("The webhook answered with a redirect, which is not followed."))
    if not 200 <= status < 300:
        raise WebhookFailed(_("The webhook answered with the status %(status)d.") % {"status": status})


def target_of(url: str) -> Target:
    """Return where ``url`` leads; raise ``ValidationError`` for what is no address of a webhook."""
    if len(url) > LONGEST_ADDRESS:
        raise ValidationError(_("This address is too long."), code="webhook_invalid")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError:  # UnicodeError is one
        parts, port, host = None, None, ""
    if parts is None or port == 0 or any(one.isspace() or not one.isprintable() for one in url):
        raise ValidationError(_("This is not an address of the web."), code="webhook_invalid")
    if parts.scheme not in _PORTS or not host:
        raise ValidationError(
            _("The address of a webhook begins with https:// or http:// and the name of a server."),
            code="webhook_invalid",
        )
    if "@" in parts.netloc:
        raise ValidationError(
            _("The address of a webhook holds no user name and no password."), code="webhook_invalid"
        )
    path = iri_to_uri(parts.path or "/") + (f"?{iri_to_uri(parts.query)}" if parts.query else "")
    return Target(host.lower(), port or _PORTS[parts.scheme], parts.scheme == "https", path)


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the internet, and neither here, nor near, nor a way round."""
    ip = ip_address(address)
    if any(ip in network for network in _RELAYS):
        return False
    if ip.version == 6 and ip not in _GLOBAL_UNICAST:  # mapped, NAT64 and site-local ones too
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


_Endpoint = tuple[socket.AddressFamily, tuple[Any, ...]]


def _endpoints(target: Target) -> list[_Endpoint]:
    """Return what may be connected to; raise ``ValidationError`` when that is nothing."""
    try:
        found = _looked_up(target)
    except TimeoutError:
        problem = _("The name of this server was not found in time. Please try again.")
        raise ValidationError(problem, code="webhook_late") from None
    except (OSError, UnicodeError):
        raise ValidationError(_("No server is found under this name."), code="webhook_unknown") from None
    endpoints = [(family, address) for family, _kind, _protocol, _name, address in found]
    if not target.is_allowed:
        endpoints = [one for one in endpoints if is_public(one[1][0]) and not _is_near(*one)]
    if not endpoints:
        raise ValidationError(
            _("This address leads into a network that is not public, so nothing is sent there."),
            code="webhook_refused",
        )
    return endpoints[:MOST_TRIED]


def _is_near(family: socket.AddressFamily, address: tuple[Any, ...]) -> bool:
    """Tell whether a public address is one of this machine, or in IPv6 of the network it stands in.

    Asks the system which address it would speak from, and sends nothing.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(address)
        except OSError:  # no way leads there
            return False
        own, other = ip_address(sock.getsockname()[0]), ip_address(address[0])
    return own == other or (own.version == 6 and int(own) >> _HOST_BITS == int(other) >> _HOST_BITS)


def _looked_up(target: Target) -> list[Any]:
    """Ask for the addresses of a name; raise ``TimeoutError`` when that takes too long, else its ``OSError``.

    In a thread of its own, which nobody waits for any longer: the look-up itself knows no limit.
    """
    found: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            found.set_result(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=look_up, daemon=True).start()
    return found.result(timeout=LOOK_UP_SECONDS)


def _status_of_post(target: Target, endpoints: list[_Endpoint], body: bytes, until: float) -> int:
    with _connected(endpoints, until) as plain, _cut_off(plain, until):
        sock = plain
        if target.is_https:
            sock = _trust().wrap_socket(plain, server_hostname=target.host)
        with sock:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = sock
            connection.request("POST", target.path, body, _headers(target))
            return connection.getresponse().status


def _headers(target: Target) -> dict[str, str]:
    is_default = target.port == _PORTS["https" if target.is_https else "http"]
    return {
        "Host": target.place.rpartition(":")[0] if is_default else target.place,
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "OSC-FinOps",
        "Connection": "close",
    }


def _connected(endpoints: list[_Endpoint], until: float) -> socket.socket:
    """Connect to the first that answers; raise the ``OSError`` of the last one when none does."""
    problem: OSError = TimeoutError()
    for family, address in endpoints:
        left = until - time.monotonic()
        if left <= 0:
            break
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(STEP_SECONDS, left))
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            sock.settimeout(STEP_SECONDS)
            return sock
    raise problem


@contextmanager
def _cut_off(sock: socket.socket, until: float) -> Iterator[None]:
    """End the connection at a moment, whatever is waited for: a socket's own limit is one of each step."""
    with sock.dup() as same:  # TLS takes the socket itself over

        def end() -> None:
            with suppress(OSError):
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(0.0, until - time.monotonic()), end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _trust() -> ssl.SSLContext:
    """Trust the authorities of the ``certifi`` list, and those of the machine."""
    context = ssl.create_default_context(cafile=certs.where())
    context.load_default_certs()
    return context


def _problem(error: Exception, *, is_late: bool) -> str:
    if is_late or isinstance(error, TimeoutError):
        return _("The webhook did not answer in time.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("The certificate of the webhook's server is not valid.")
    if isinstance(error, ssl.SSLError):
        return _("No secure connection to the webhook's server came about.")
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return _("The webhook's server ended the connection without an answer.")
    if isinstance(error, (http.client.HTTPException, ValueError)):
        return _("The webhook answered something that is not HTTP.")
    return _("The webhook's server cannot be reached.")
