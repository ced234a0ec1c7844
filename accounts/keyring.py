"""The keys of a session, sealed so that neither the database nor the browser alone can open them.

The session's row holds the keys encrypted (Fernet). The encrypting key is derived (HKDF) from 32 random bytes
that only the browser keeps, in the cookie ``finops_key``, and from the server's ``SECRET_KEY``.
"""

import base64
import json
import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field, replace

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError
from accounts.gateway import Gateway

COOKIE = "finops_key"
MOST_KEYS = 20
"""How many keys a session holds at most."""

_SESSION_FIELD = "keyring"
_TOGETHER_FIELD = "together"
_HALF_BYTES = 32
_PURPOSE = b"osc-finops keyring"


def place_of(account_id: str, region: str) -> str:
    """Return an account in a region, as forms and addresses name it."""
    return f"{account_id}.{region}"


class SessionExpired(PortalError):
    """There are no keys, or they cannot be opened any more."""

    code = "SESSION_EXPIRED"
    message = _("Your session has ended. Please log in again.")
    http_status = 401


class PlaceUnknown(PortalError):
    """The session holds no key of this account in this region."""

    code = "PLACE_UNKNOWN"
    message = _("This session holds no key of this account in this region.")
    http_status = 404


@dataclass(frozen=True)
class Key:
    """One access key with its secret, and the account and region which it opens.

    ``name`` is that of the account: the one that its owner gave it here, else as OUTSCALE knows it.
    """

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
    def place(self) -> str:
        """The account and the region, as forms and addresses name them."""
        return place_of(self.account_id, self.region)

    @property
    def place_text(self) -> str:
        """The account and the region, for people."""
        return f"{self.name or self.account_id} ({self.region})"

    @property
    def gateway(self) -> Gateway:
        """The way to the cloud with this key."""
        return Gateway(self.access_key, self.secret_key, self.region, self.account_id)


@dataclass(frozen=True)
class Keyring:
    """The keys of a session, at most one for an account in a region; the first one is in use.

    ``together``: the pages work on all accounts, not on that of the key in use alone.
    """

    keys: tuple[Key, ...]
    together: bool = False

    @property
    def current(self) -> Key:
        """The key in use."""
        return self.keys[0]

    @property
    def chosen(self) -> "Keyring":
        """The keys that the pages work with: of all accounts together, or of the account in use."""
        if self.together:
            return self
        return replace(self, keys=self.of_account(self.current.account_id))

    @property
    def regions(self) -> set[str]:
        """The regions of the keys."""
        return {key.region for key in self.keys}

    @property
    def names(self) -> dict[str, str]:
        """The names of the accounts, by their ids; empty where none is known."""
        return {key.account_id: key.name for key in self.keys}

    def of_account(self, account_id: str) -> tuple[Key, ...]:
        """Return the keys of an account."""
        return tuple(key for key in self.keys if key.account_id == account_id)

    def in_regions(self, regions: Iterable[str]) -> list[Key]:
        """Return the keys to ask with in some regions; without any, all that work together or that in use."""
        asked = dict.fromkeys(regions)
        if not asked:
            return list(self.keys) if self.together else [self.current]
        return [key for region in asked for key in self.keys if key.region == region]

    @property
    def places(self) -> list[str]:
        """The places of the keys (``Key.place``)."""
        return [key.place for key in self.keys]

    @property
    def place_texts(self) -> list[str]:
        """The places for people: the regions, with the accounts where there are several."""
        return place_texts(self.keys, with_accounts=len(self.names) > 1)

    def in_places(self, places: Collection[str]) -> list[Key]:
        """Return the keys of some places, as far as there are any."""
        return [key for key in self.keys if key.place in places]

    def at(self, place: str) -> Key:
        """Return the key of an account in a region (``Key.place``); raise ``PlaceUnknown`` without one."""
        found = next((key for key in self.keys if key.place == place), None)
        if found is None:
            raise PlaceUnknown
        return found

    def using(self, key: Key) -> "Keyring":
        """Return the keyring with ``key`` in use, alone, instead of an older one of the same place."""
        return Keyring((key, *self.without(key).keys))

    def with_key(self, key: Key) -> "Keyring":
        """Return the keyring with one more key, that may take the place of an older one."""
        if key.place not in self.places:
            return replace(self, keys=(*self.keys, key))
        return replace(self, keys=tuple(key if one.place == key.place else one for one in self.keys))

    def can_spare(self, key: Key, owner: str) -> bool:
        """Tell whether a key may go: one of the account that logged in, ``owner``, stays."""
        return key.account_id != owner or len(self.of_account(owner)) > 1

    def without(self, key: Key) -> "Keyring":
        """Return the keyring without the key of a place."""
        return self.holding(one for one in self.keys if one.place != key.place)

    def holding(self, keys: Iterable[Key]) -> "Keyring":
        """Return the keyring with some of its keys alone; a single one is not together with anything."""
        keys = tuple(keys)
        return replace(self, keys=keys, together=self.together and len(keys) > 1)

    def named(self, account_id: str, name: str) -> "Keyring":
        """Return the keyring with another name of an account."""
        keys = (replace(key, name=name) if key.account_id == account_id else key for key in self.keys)
        return replace(self, keys=tuple(keys))


def place_texts(keys: Iterable[Key], *, with_accounts: bool) -> list[str]:
    """Return where some keys work, for people: regions, or accounts and regions."""
    return [key.place_text if with_accounts else key.region for key in keys]


def open(request: HttpRequest) -> Keyring:  # noqa: A001 - read as keyring.open
    """Return the keys of the session; raise ``SessionExpired`` when either half is missing or wrong.

    A request opens them once: later it is given the same, as long as the session and its cookie are.
    """
    sealed = request.session.get(_SESSION_FIELD)
    half = request.COOKIES.get(COOKIE)
    if not (sealed and half):
        raise SessionExpired
    together = request.session.get(_TOGETHER_FIELD, False)
    opened_by, opened = getattr(request, "opened_keyring", (None, None))
    if opened_by != (sealed, half, together):
        opened = Keyring(_unsealed(sealed, half), together)
        request.opened_keyring = (sealed, half, together), opened
    return opened


def _unsealed(sealed: str, half: str) -> tuple[Key, ...]:
    try:
        text = _lock(half).decrypt(sealed.encode())
    except InvalidToken as error:
        raise SessionExpired from error
    return tuple(Key(**fields) for fields in json.loads(text))


def chosen(request: HttpRequest) -> Keyring:
    """Return the keys that the pages work with (``Keyring.chosen``); raises as ``open`` does."""
    return open(request).chosen


def seal(request: HttpRequest, keyring: Keyring) -> None:
    """Put the keys into the session under a new browser's half, so that the former half opens nothing.

    The half is left among the cookies of the request; the middleware hands it to the browser.
    """
    half = base64.urlsafe_b64encode(secrets.token_bytes(_HALF_BYTES)).decode().rstrip("=")
    _put(request, keyring, half)
    request.COOKIES[COOKIE] = half


def change(request: HttpRequest, changed: Callable[[Keyring], Keyring]) -> Keyring:
    """Change the keys that the session holds now, while no other request can; return them.

    The browser's half stays, so that pages on their way are not logged out. Raises ``SessionExpired``.
    """
    try:
        with request.session.held():
            keyring = changed(open(request))
            _put(request, keyring, request.COOKIES[COOKIE])
    except UpdateError as error:
        request.session.flush()  # or the end of the request would try to write it once more
        raise SessionExpired from error
    return keyring


def _put(request: HttpRequest, keyring: Keyring, half: str) -> None:
    text = json.dumps([asdict(key) for key in keyring.keys])
    request.session[_SESSION_FIELD] = _lock(half).encrypt(text.encode()).decode()
    request.session[_TOGETHER_FIELD] = keyring.together


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
