"""AWS4-HMAC-SHA256 signatures, which the object storage takes (AWS documentation, "Signature Version 4")."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import quote, unquote

from sandbox.signature import Signature, Signed

ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    ALGORITHM + r"\s+Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request,"
    r"\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})"
)
_ALWAYS_SIGNED = {"host", "x-amz-date", "x-amz-content-sha256"}
_UNSIGNED = "UNSIGNED-PAYLOAD"


class Signature4(Signature):
    """What an Authorization header of the object storage says."""

    _header: ClassVar[re.Pattern[str]] = _AUTHORIZATION

    def is_made_with(self, secret_key: str, signed: Signed) -> bool:
        """Tell whether the secret signed this very request, and the body is the one that was signed."""
        content = signed.headers.get("x-amz-content-sha256", "")
        if not _ALWAYS_SIGNED.issubset(self.signed_headers) or content not in (_UNSIGNED, _hash(signed.body)):
            return False
        return hmac.compare_digest(self._made_with(secret_key, signed, content), self.value)

    def _made_with(self, secret_key: str, signed: Signed, content: str) -> str:
        lines = "".join(
            f"{name}:{' '.join(signed.headers.get(name, '').split())}\n" for name in self.signed_headers
        )
        query = "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs(signed.query)))
        names = ";".join(self.signed_headers)
        canonical = "\n".join((signed.method, signed.path, query, lines, names, content))
        scope = f"{self.day}/{self.region}/{self.service}/aws4_request"
        to_sign = "\n".join((ALGORITHM, signed.headers["x-amz-date"], scope, _hash(canonical.encode())))
        key = f"AWS4{secret_key}".encode()
        for part in (*scope.split("/"), to_sign):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key.hex()


def pairs(query: str) -> Iterator[tuple[str, str]]:
    """Yield the decoded names and values of a query string; a plus sign is one, and no space."""
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield unquote(name), unquote(value)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
