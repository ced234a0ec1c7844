"""The JSON API of sessions: log in, log out, whose keys are in use."""

from datetime import datetime

from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest
from ninja import Router, Schema, Status

from accounts import keyring, sessions
from accounts.envelope import Envelope, answer
from accounts.errors import InputRefused, PortalError
from accounts.forms import LoginForm
from accounts.keyring import Key

auth_router = Router(tags=["Session"])
accounts_router = Router(tags=["Session"])


class LoginRefused(PortalError):
    """The keys of a form were not let in; ``details`` says beside which field."""

    def __init__(self, form: LoginForm, cause: PortalError) -> None:
        super().__init__(retry_after=cause.retry_after)
        self.code, self.message, self.http_status = cause.code, cause.message, cause.http_status
        self.details = {
            field: [str(text) for text in texts]
            for field, texts in form.errors.items()
            if field != NON_FIELD_ERRORS  # that is the message
        }


class Keys(Schema):
    """What a login sends."""

    access_key: str = ""
    secret_key: str = ""
    region: str = ""


class AccountOut(Schema):
    """An OUTSCALE account; ``name`` is empty when no key may read it."""

    account_id: str
    name: str


class SessionOut(Schema):
    """A session in use; times are UTC."""

    account: AccountOut
    region: str
    expires_at: datetime


class NewSessionOut(SessionOut):
    """A new session. ``session_id`` opens it: send it as ``X-Session-ID``, and keep it like a key."""

    session_id: str


class AnySessionOut(SessionOut):
    """A session in use; ``session_id`` is there for scripts only."""

    session_id: str | None


class KeyOut(Schema):
    """A key held by the session: never the secret, and of the access key only its end."""

    account_id: str
    name: str
    region: str
    access_key_ending: str
    in_use: bool


@auth_router.post("/login", auth=None, response=Envelope[NewSessionOut])
def log_in(request: HttpRequest, given: Keys) -> dict:
    """Prove keys and begin a session for a script; the browser's own session is left as it is."""
    sessions.forget_browser(request)
    form = LoginForm(given.dict())
    if not form.is_valid():
        raise InputRefused(form.errors)
    try:
        sessions.log_in(request, **form.cleaned_data)
    except PortalError as error:
        form.refuse(error)
        raise LoginRefused(form, error) from error
    return answer({**_session(request), "session_id": sessions.session_id(request)})


@auth_router.post("/logout", response={204: None})
def log_out(request: HttpRequest) -> Status:
    """End the session and destroy its keys."""
    sessions.log_out(request)
    return Status(204, None)


@auth_router.get("/session", response=Envelope[AnySessionOut])
def show_session(request: HttpRequest) -> dict:
    """Tell whose session this is, and when it ends without further activity.

    A browser is not told its ``session_id``: its half of the sealing key stays out of reach of scripts.
    """
    session_id = sessions.session_id(request) if request.is_script else None
    return answer({**_session(request), "session_id": session_id})


@accounts_router.get("", response=Envelope[list[KeyOut]])
def list_accounts(request: HttpRequest) -> dict:
    """List the keys that the session holds, the one in use first."""
    keys = keyring.open(request).keys
    return answer([_shown(key, in_use=key is keys[0]) for key in keys])


def _session(request: HttpRequest) -> dict:
    key = keyring.open(request).current
    return {
        "account": {"account_id": key.account_id, "name": key.name},
        "region": key.region,
        "expires_at": sessions.expires_at(request),
    }


def _shown(key: Key, *, in_use: bool) -> dict:
    return {
        "account_id": key.account_id,
        "name": key.name,
        "region": key.region,
        "access_key_ending": key.ending,
        "in_use": in_use,
    }
