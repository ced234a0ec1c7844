"""A webhook is posted to exactly where its address says, and never into the network of the server."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError

from budgets import webhooks
from budgets.webhooks import WebhookFailed, check_address, is_public, post
from tests.budgets.receivers import webhook

NOT_PUBLIC = "This address leads into a network that is not public, so nothing is sent there."


@pytest.fixture
def receiver(settings):
    with webhook(settings) as server:
        yield server


def names(monkeypatch, *answers):
    """Let the DNS give these addresses, one list after another, and the last one from then on."""
    left = list(answers)

    def getaddrinfo(_host, port, **_options):
        found = left.pop(0) if len(left) > 1 else left[0]
        return [
            (
                socket.AF_INET6 if ":" in one else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (one, port, 0, 0) if ":" in one else (one, port),
            )
            for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def refusal(url):
    with pytest.raises(ValidationError) as caught:
        check_address(url)
    return caught.value.messages[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.9.10",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "１２７.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[2001:db8::1]",
        "[100::1]",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[ff0e::1]",
        "[5f00::1]",
    ],
)
@pytest.mark.parametrize("form", ["http://{}/hook", "https://{}:8443/hook"])
def test_an_address_that_is_not_of_the_internet_is_refused(host, form):
    assert refusal(form.format(host)) == NOT_PUBLIC


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4007::1"])
def test_an_address_of_the_internet_is_taken(address):
    assert is_public(address)
    check_address(f"https://[{address}]/x" if ":" in address else f"http://{address}/x")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "//8.8.8.8/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "gopher://8.8.8.8/",
        "http:///hook",
        "https://",
        "http://user:password@8.8.8.8/",
        "http://user@8.8.8.8/",
        "http://@8.8.8.8/",
        "http://8.8.8.8\\@127.0.0.1/",
        "http://8.8.8.8:0/",
        "http://8.8.8.8:99999/",
        "http://8.8.8.8:x/",
        "http://[::1/",
        "http://8.8.8.8/a b",
        "http://8.8.8.8/\r\nHost: x",
        "ht\ntp://8.8.8.8/",
        " https://8.8.8.8/",
        "http://a..b/",
        f"http://{'a' * 64}.example/",
        "http://8.8.8.8/" + "x" * 2000,
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused_with_a_reason_that_does_not_repeat_it(url, monkeypatch):
    names(monkeypatch, ["8.8.8.8"])
    assert "8.8.8.8" not in refusal(url)


def test_a_name_that_nobody_knows_is_refused(monkeypatch):
    def unknown(*_address, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refusal("https://nowhere.example/secret") == "No server is found under this name."


def test_a_name_that_is_looked_up_for_too_long_holds_nobody_up(monkeypatch):
    ends = threading.Event()
    monkeypatch.setattr(webhooks, "LOOK_UP_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: ends.wait(20) and [])
    begun = time.monotonic()
    assert refusal("https://hooks.example.com/") == (
        "The name of this server was not found in time. Please try again."
    )
    with pytest.raises(WebhookFailed, match="was not found in time"):
        post("https://hooks.example.com/", {})
    assert time.monotonic() - begun < 10
    ends.set()


def test_a_name_of_the_own_network_is_refused_and_of_a_mixed_one_only_what_is_public_is_tried(monkeypatch):
    names(monkeypatch, ["10.0.0.1", "fd00::1"])
    assert refusal("https://internal.example/") == NOT_PUBLIC

    tried = _refused(monkeypatch)
    names(monkeypatch, ["127.0.0.1", "8.8.8.8", "::1", "2606:4700::1"])
    with pytest.raises(WebhookFailed, match="cannot be reached"):
        post("http://mixed.example:81/", {})
    assert tried == [("8.8.8.8", 81), ("2606:4700::1", 81, 0, 0)]


def test_what_is_connected_to_is_the_address_that_was_judged(monkeypatch):
    tried = _refused(monkeypatch)
    names(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(WebhookFailed, match="cannot be reached"):
        post("http://rebinding.example/", {})
    assert tried == [("8.8.8.8", 80)]
    with pytest.raises(WebhookFailed, match="not public"):
        post("http://rebinding.example/", {})
    assert tried == [("8.8.8.8", 80)]


def _refused(monkeypatch):
    """Refuse every connection; return the list of what is tried, without what sends nothing."""
    tried, connect = [], socket.socket.connect

    def refuse(sock, address):
        if sock.type == socket.SOCK_DGRAM:
            return connect(sock, address)
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


def test_the_document_arrives_as_it_is_and_nothing_of_the_environment_is_used(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    post(receiver.url("/é?a=b&c=é"), {"text": "à"})
    assert receiver.posted == [{"text": "à"}]
    assert receiver.paths == ["/%C3%A9?a=b&c=%C3%A9"]
    [headers] = receiver.sent_headers
    assert headers["Host"] == receiver.place
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert not {"Authorization", "Cookie"} & {*headers}


def test_only_the_exact_places_that_the_operators_allow_may_be_in_their_own_network(receiver, settings):
    check_address(receiver.url())
    for other in (receiver.url().replace("127.0.0.1", "localhost"), "http://127.0.0.1:1/"):
        assert refusal(other) == NOT_PUBLIC
    settings.WEBHOOK_ALLOWED_HOSTS = []
    assert refusal(receiver.url()) == NOT_PUBLIC
    with pytest.raises(WebhookFailed, match="not public"):
        post(receiver.url(), {})
    assert receiver.posted == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(receiver, settings, status):
    with webhook(settings) as other:
        receiver.status, receiver.headers = status, {"Location": other.url("/stolen")}
        with pytest.raises(
            WebhookFailed, match=r"^The webhook answered with a redirect, which is not followed\.$"
        ):
            post(receiver.url(), {})
        assert (len(receiver.posted), other.posted) == (1, [])


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_an_error_is_told_by_its_status(receiver, status):
    receiver.status, receiver.body = status, b"/secret/"
    with pytest.raises(WebhookFailed, match=rf"^The webhook answered with the status {status}\.$"):
        post(receiver.url("/secret/"), {})


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_answer_is_over_with_its_status_however_much_follows(receiver, status):
    receiver.status, receiver.headers, receiver.body = status, {"Content-Length": str(10**9)}, b"x"
    begun = time.monotonic()
    post(receiver.url(), {})
    assert time.monotonic() - begun < 2


def raw_server(answer):
    """Listen; ``answer`` is called with the first connection, whose document ``{}`` was read, in a thread."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _address = server.accept()
        with connection, server:
            sent = connection.recv(65536)
            while sent.startswith(b"POST") and not sent.endswith(b"{}"):
                sent += connection.recv(65536)
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{server.getsockname()[1]}"


def trickle(connection):
    for _ in range(100):
        connection.sendall(b"a")
        time.sleep(0.05)


def trickle_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    trickle(connection)


def silence(connection):
    connection.recv(65536)
    connection.recv(65536)


@pytest.mark.parametrize(
    ("answer", "scheme", "reason"),
    [
        (trickle, "http", "The webhook did not answer in time."),
        (silence, "http", "The webhook did not answer in time."),
        (silence, "https", "The webhook did not answer in time."),
        (trickle_headers, "http", ""),
    ],
)
def test_a_server_that_trickles_or_is_silent_is_left_in_time(settings, monkeypatch, answer, scheme, reason):
    def patient(connection):
        with suppress(OSError):
            answer(connection)

    monkeypatch.setattr(webhooks, "TOTAL_SECONDS", 0.4)
    place = raw_server(patient)
    settings.WEBHOOK_ALLOWED_HOSTS = [place]
    begun, problem = time.monotonic(), ""
    try:
        post(f"{scheme}://{place}/", {})
    except WebhookFailed as error:
        problem = str(error)
    assert (problem, time.monotonic() - begun < 2) == (reason, True)


@pytest.mark.parametrize(
    ("scheme", "answer", "reason"),
    [
        ("http", b"220 mail.example ESMTP\r\n", "The webhook answered something that is not HTTP."),
        ("http", b"", "The webhook's server ended the connection without an answer."),
        ("http", b"HTTP/1.1 200 " + b"a" * 70_000, "The webhook answered something that is not HTTP."),
        ("https", b"HTTP/1.1 200 OK\r\n\r\n", "No secure connection to the webhook's server came about."),
    ],
)
def test_what_does_not_speak_the_protocol_is_a_failure(settings, scheme, answer, reason):
    place = raw_server(lambda connection: connection.sendall(answer))
    settings.WEBHOOK_ALLOWED_HOSTS = [place]
    with pytest.raises(WebhookFailed) as caught:
        post(f"{scheme}://{place}/", {})
    assert str(caught.value) == reason


def test_a_server_that_does_not_listen_is_a_failure(settings):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    settings.WEBHOOK_ALLOWED_HOSTS = [place]
    with pytest.raises(WebhookFailed, match=r"^The webhook's server cannot be reached\.$"):
        post(f"http://{place}/", {})


@pytest.fixture
def certified(tmp_path):
    """A certificate of ``127.0.0.1`` that it has signed itself, and the context of a server that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(encoding) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return str(file), context


def test_https_is_spoken_with_whom_an_authority_vouches_for_under_this_very_name(
    settings, certified, monkeypatch
):
    file, context = certified
    with webhook(settings, context) as server:
        with pytest.raises(WebhookFailed, match=r"^The certificate of the webhook's server is not valid\.$"):
            post(server.url(scheme="https"), {})
        monkeypatch.setenv("SSL_CERT_FILE", file)
        post(server.url(scheme="https"), {"text": "secure"})
        settings.WEBHOOK_ALLOWED_HOSTS = [f"localhost:{server.server_port}"]
        with pytest.raises(WebhookFailed, match="certificate"):
            post(f"https://localhost:{server.server_port}/", {})
        assert server.posted == [{"text": "secure"}]


def test_an_address_of_the_server_itself_is_refused_although_it_is_one_of_the_internet(
    monkeypatch, settings, receiver
):
    monkeypatch.setattr(webhooks, "is_public", lambda _address: True)
    settings.WEBHOOK_ALLOWED_HOSTS = []
    assert refusal(receiver.url()) == NOT_PUBLIC
    with pytest.raises(WebhookFailed, match="not public"):
        post(receiver.url(), {})
    assert receiver.posted == []


@pytest.mark.parametrize(
    ("own", "host", "is_refused"),
    [
        ("2a00:1450:4007:1::5", "2a00:1450:4007:1:ffff::9", True),
        ("2a00:1450:4007:1::5", "2a00:1450:4007:2::5", False),
        ("8.8.8.8", "8.8.8.8", True),
        ("8.8.8.8", "8.8.8.9", False),
    ],
)
def test_a_neighbour_in_the_ipv6_network_of_the_server_is_refused(monkeypatch, own, host, is_refused):
    class Probe(socket.socket):
        def connect(self, _address):
            pass

        def getsockname(self):
            return (own, 0)

    monkeypatch.setattr(socket, "socket", Probe)
    url = f"http://[{host}]/" if ":" in host else f"http://{host}/"
    if is_refused:
        assert refusal(url) == NOT_PUBLIC
    else:
        check_address(url)
