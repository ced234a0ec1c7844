"""OSC4-HMAC-SHA256 signatures (OUTSCALE documentation, "About Signatures of API Requests")."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

ALGORITHM = "OSC4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    ALGORITHM + r"\s+Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/osc4_request,"
    r"\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})"
)
_ALWAYS_SIGNED = {"host", "x-osc-date"}


class Signed(NamedTuple):
    """The parts of a request which its signature covers; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Signature:
    """What an Authorization header says; `day` is YYYYMMDD."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str

    _header: ClassVar[re.Pattern[str]] = _AUTHORIZATION

    @classmethod
    def read(cls, authorization: str) -> Self | None:
        """Return the parts of an Authorization header, or None when it is not one of this algorithm."""
        found = cls._header.fullmatch(authorization.strip())
        if found is None:
            return None
        access_key, day, region, service, headers, value = found.groups()
        return cls(access_key, day, region, service, tuple(headers.split(";")), value)

    def is_made_with(self, secret_key: str, signed: Signed) -> bool:
        """Tell whether the secret signed this very request.

        The host may have been signed with its port, as it is sent, or without it, as osc-sdk-python does.
        """
        if not _ALWAYS_SIGNED.issubset(self.signed_headers):
            return False
        host = signed.headers.get("host", "")
        hosts = (host, host.rpartition(":")[0] or host)
        return any(
            hmac.compare_digest(self._made_with(secret_key, signed, name), self.value) for name in hosts
        )

    def _made_with(self, secret_key: str, signed: Signed, host: str) -> str:
        headers = {**signed.headers, "host": host}
        lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in self.signed_headers)
        names = ";".join(self.signed_headers)
        canonical = "\n".join((signed.method, signed.path, signed.query, lines, names, _hash(signed.body)))
        scope = f"{self.day}/{self.region}/{self.service}/osc4_request"
        to_sign = "\n".join((ALGORITHM, headers.get("x-osc-date", ""), scope, _hash(canonical.encode())))
        return _hmac(self._key(secret_key), to_sign).hex()

    def _key(self, secret_key: str) -> bytes:
        key = f"OSC4{secret_key}".encode()
        for part in (self.day, self.region, self.service, "osc4_request"):
            key = _hmac(key, part)
        return key


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()
