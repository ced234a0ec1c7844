"""What the portal writes about itself: log lines and exception reports, without keys and cookies."""

import json
import logging
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from types import FrameType
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.request import MultiValueDict
from django.utils.regex_helper import _lazy_re_compile
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

HIDDEN = "********************"

_SECRETS = re.compile(
    r"""(?ix)
    (?P<before> (?:OSC4|AWS4)-HMAC-SHA256\s+ ) .*
    | (?P<name>
        (?<![a-z0-9]) (?: [a-z0-9]+_ )* (?: secret_?key | (?:secret_?)? access_?key(?:_?id)? | passw(?:or)?d
             | signature | authorization | cookie | x[-_]session[-_]id | session_?id | finops_key
             | csrfmiddlewaretoken | (?:csrf)?token )
        ["']? \s* (?: [=:] | ,(?=\s*b?["']) ) \s*
      ) (?: b?"[^"]*" | b?'[^']*' | (?: (?:Bearer|Basic)\s+ )? [^\s"'&,;}]+ )
    | (?P<scheme> (?<![a-z]) (?:Bearer|Basic)\s+ ) [^\s"',;]+
    | (?P<address> [a-z]:// [^\s/:@"']* : ) [^\s/@"']+ (?=@)
    | (?P<asked> https?:// [^\s?"'<>]* \? ) [^\s"'<>]+
    """
)
"""What must never be read in a log, whoever wrote it.

Signatures, values beside the name of a secret, passwords in addresses, and what was asked of an address.
"""


_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_HARMLESS_HEADERS = {
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_HOST",
    "HTTP_HX_BOOSTED",
    "HTTP_HX_REQUEST",
    "HTTP_HX_TARGET",
    "HTTP_USER_AGENT",
    "HTTP_X_FORWARDED_PROTO",
}


def redact(text: str) -> str:
    """Return ``text`` with every signature, every named secret and every query replaced by stars."""
    return _SECRETS.sub(lambda found: found[found.lastgroup] + HIDDEN, text)


class RedactingFormatter(logging.Formatter):
    """Writes a log line, with its traceback, without secrets. Nothing should contain one: this is the net."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with what is known of the request or the command that it was written in."""
        known = structlog.contextvars.get_contextvars()
        if isinstance(record.msg, dict):  # of structlog
            record = logging.makeLogRecord(record.__dict__)
            facts = {name: value for name, value in record.msg.items() if name not in (*known, "event")}
            record.msg, record.args = "%s%s", (record.msg.get("event", ""), _pairs(facts))
        if known:
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = "%s%s", (record.getMessage(), _pairs(known))
        return redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        """Return the line without its traceback. No name in it begins another line or steers a terminal."""
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))


def _pairs(facts: MutableMapping[str, Any]) -> str:
    return "".join(f" {name}={value}" for name, value in facts.items())


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """Writes each log line as one line of JSON, without secrets, whoever wrote it: structlog or ``logging``.

    JSON escapes what begins another line or steers a terminal, and here all that is not ASCII.
    """

    def __init__(self) -> None:
        super().__init__(
            processors=[
                _add_facts_of_the_record,
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _keep_no_secret,
                _as_json,
            ],
            use_get_message=True,
        )


def _add_facts_of_the_record(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record: logging.LogRecord = event["_record"]
    facts = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "process": record.process,
        "event": event.pop("event"),
    }
    return facts | event | ({"stack": record.stack_info} if record.stack_info else {})


def _keep_no_secret(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: _told(name, value) for name, value in event.items()}


def _told(name: str, value: Any) -> Any:
    """Return what is written of a value: numbers as they are, everything else as redacted text."""
    if _is_secret(name):
        return HIDDEN
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


@lru_cache(maxsize=256)
def _is_secret(name: str) -> bool:
    return bool(_SECRETS.fullmatch(f"{name}=x"))


_encode = json.JSONEncoder().encode


def _as_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return _encode(event)


def configure_structlog() -> None:
    """Let structlog hand its events to ``logging``, and so to the handlers of the settings."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class UnexpectedOnly(logging.Filter):
    """Leaves out the answers of 502, 503 and 504 that the portal chose to give, as when the cloud failed.

    Django logs each as an error. What nobody foresaw comes with its exception, or from elsewhere.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the people who run the portal should hear of it."""
        return bool(record.exc_info) or record.name != "django.request"


class PrivateReporter(ExceptionReporter):
    """Reports an exception without what stands in its address and files, and with a redacted message."""

    def get_traceback_data(self) -> dict[str, Any]:
        """Return what the report is made of."""
        data = super().get_traceback_data()
        for message in ("exception_value", "exception_notes", "unicode_hint"):
            if message in data:
                data[message] = redact(data[message])
        for frame in data["frames"]:  # each holds the exceptions that led to it, which are written out
            frame["exc_cause"] = redact(repr(frame["exc_cause"])) if frame.get("exc_cause") else None
        if self.request is not None:
            data["request_GET_items"] = dict.fromkeys(self.request.GET, HIDDEN).items()
            data["request_FILES_items"] = dict.fromkeys(self.request.FILES, HIDDEN).items()
            data["request_insecure_uri"] = data["request_insecure_uri"].partition("?")[0]
        return data


class PrivateReporterFilter(SafeExceptionReporterFilter):
    """Hides from exception reports whatever a user sent, and every local variable.

    Django's own hides only what is marked as sensitive, and with ``DEBUG`` nothing.
    """

    hidden_settings = _lazy_re_compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|SESSION|LOCATION|EMAIL", flags=re.IGNORECASE
    )

    def get_safe_request_meta(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return the variables of the server, with stars for the headers that say more than what asks."""
        return {
            name: HIDDEN if _is_sent(name) and name not in _HARMLESS_HEADERS else value
            for name, value in super().get_safe_request_meta(request).items()
        }

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, str]:
        """Return the names of the posted fields, with stars for their values."""
        return {} if request is None else dict.fromkeys(request.POST, HIDDEN)

    def get_cleansed_multivaluedict(
        self, request: HttpRequest, multivaluedict: MultiValueDict
    ) -> dict[str, str]:
        """Return the names of the fields, with stars for their values."""
        return dict.fromkeys(multivaluedict, HIDDEN)

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, str]:
        """Return the names of the cookies, with stars for their values."""
        return dict.fromkeys(getattr(request, "COOKIES", {}), HIDDEN)

    def get_traceback_frame_variables(
        self, request: HttpRequest, tb_frame: FrameType
    ) -> list[tuple[str, Any]]:
        """Return no variable at all."""
        return []


def _is_sent(name: str) -> bool:
    return name.startswith("HTTP_") or name in ("QUERY_STRING", "RAW_URI", "REQUEST_URI")
