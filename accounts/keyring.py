"""The keys of a session, sealed so that neither the database nor the browser alone can open them.

The session's row holds the keys encrypted (Fernet). The encrypting key is derived (HKDF) from 32 random bytes
that only the browser keeps, in the cookie ``finops_key``, and from the server's ``SECRET_KEY``.
"""

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError
from accounts.gateway import Gateway

COOKIE = "finops_key"
_SESSION_FIELD = "keyring"
_HALF_BYTES = 32
_PURPOSE = b"osc-finops keyring"


class SessionExpired(PortalError):
    """There are no keys, or they cannot be opened any more."""

    code = "SESSION_EXPIRED"
    message = _("Your session has ended. Please log in again.")
    http_status = 401


@dataclass(frozen=True)
class Key:
    """One access key with its secret, and the account and region which it opens."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    account_id: str
    name: str = ""

    @property
    def ending(self) -> str:
        """The last four characters of the access key: enough for its owner to know which one it is."""
        return self.access_key[-4:]

    @property
    def gateway(self) -> Gateway:
        """The way to the cloud with this key."""
        return Gateway(self.access_key, self.secret_key, self.region, self.account_id)


@dataclass(frozen=True)
class Keyring:
    """The keys of a session, at most one for an account in a region; the first one is in use."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        """The key in use."""
        return self.keys[0]

    def for_region(self, region: str) -> Key | None:
        """Return the key to use in a region: the one in use, else another one of the region, or None."""
        return next((key for key in self.keys if key.region == region), None)

    def with_key(self, key: Key) -> "Keyring":
        """Return the keyring with ``key`` in use, instead of an older one of the same account and region."""
        return Keyring((key, *self.without(key.account_id, key.region).keys))

    def without(self, account_id: str, region: str) -> "Keyring":
        """Return the keyring without the key of an account in a region."""
        return Keyring(
            tuple(key for key in self.keys if (key.account_id, key.region) != (account_id, region))
        )


def open(request: HttpRequest) -> Keyring:  # noqa: A001 - read as keyring.open
    """Return the keys of the session; raise ``SessionExpired`` when either half is missing or wrong."""
    sealed = request.session.get(_SESSION_FIELD)
    half = request.COOKIES.get(COOKIE)
    if not (sealed and half):
        raise SessionExpired
    try:
        text = _lock(half).decrypt(sealed.encode())
    except InvalidToken as error:
        raise SessionExpired from error
    return Keyring(tuple(Key(**fields) for fields in json.loads(text)))


def seal(request: HttpRequest, keyring: Keyring) -> None:
    """Put the keys into the session under a new browser's half, so that the former half opens nothing.

    The half is left among the cookies of the request; the middleware hands it to the browser.
    """
    half = base64.urlsafe_b64encode(secrets.token_bytes(_HALF_BYTES)).decode().rstrip("=")
    text = json.dumps([asdict(key) for key in keyring.keys])
    request.session[_SESSION_FIELD] = _lock(half).encrypt(text.encode()).decode()
    request.COOKIES[COOKIE] = half


def is_sealed(request: HttpRequest) -> bool:
    """Tell whether the session holds keys, be they to be opened or not."""
    return _SESSION_FIELD in request.session


def gateway_of(request: HttpRequest) -> Gateway:
    """Return the way to the cloud with the key in use; raise ``SessionExpired`` when there is none."""
    return open(request).current.gateway


def _lock(half: str) -> MultiFernet:
    """Return what seals with ``SECRET_KEY``, and opens with the fallbacks of a rotation too."""
    server_secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(half, secret)) for secret in server_secrets])


def _derive(half: str, secret: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=secret.encode(), info=_PURPOSE)
    return base64.urlsafe_b64encode(derivation.derive(half.encode()))
