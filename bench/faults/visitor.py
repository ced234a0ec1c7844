"""Somebody with a browser: logs in with the demo's keys, looks at pages, and reads as a page does."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

import requests

from sandbox.cloud import DEMO_KEY, AccessKey

REGION = "eu-west-2"
PAGES = (
    "/",
    "/catalog/",
    "/quotes/",
    "/costs/",
    "/consumption/",
    "/consumption/trends/",
    "/consumption/allocation/",
    "/budgets/",
    "/accounts/",
)
"""The main pages, as whoever is logged in sees them."""

_NOTICE = re.compile(r'<(?:div|form) class="notice[^"]*"[^>]*>(.*?)</p>', re.DOTALL)
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>\s*(?:<p[^>]*>(.*?)</p>)?", re.DOTALL)


@dataclass(frozen=True)
class Seen:
    """What one request came to: its status (0 without an answer), its text, and how long it took."""

    address: str
    status: int
    text: str
    seconds: float

    @property
    def notice(self) -> str:
        """The words of its notices, or of its heading when it has none."""
        page = re.sub(r"<template.*?</template>", "", self.text, flags=re.DOTALL)
        found = _NOTICE.findall(page) or [" ".join(one) for one in _HEADING.findall(page)[:1]]
        return " | ".join(map(_words, found))

    def __str__(self) -> str:
        """Write it in one line."""
        return (
            f"{self.address} answered {self.status or 'nothing'} in {self.seconds:.1f} s: {self.notice[:300]}"
        )


class Visitor:
    """A browser with its cookies."""

    def __init__(self, url: str, key: AccessKey = DEMO_KEY) -> None:
        self.url = url
        self.key = key
        self._session = requests.Session()

    def log_in(self, *, secret_key: str | None = None) -> Seen:
        """Log in; 302 is a success."""
        self.get("/login/")
        form = {"access_key": self.key.access_key, "secret_key": secret_key or self.key.secret_key}
        return self.post("/login/", form | {"region": REGION})

    def at(self, url: str) -> "Visitor":
        """Return the same browser, with the same session, at another host of the portal."""
        there = Visitor(url, self.key)
        there._session = self._session
        return there

    def get(self, address: str, *, htmx: bool = False) -> Seen:
        """Look at a page, or at the fragment that htmx asks for."""
        return self._ask("GET", address, headers={"HX-Request": "true"} if htmx else {})

    def post(self, address: str, form: dict[str, str] | None = None, *, htmx: bool = False) -> Seen:
        """Send a form."""
        token = self._session.cookies.get("csrftoken", "")
        headers = {"X-CSRFToken": token, "Referer": self.url + "/"}
        headers |= {"HX-Request": "true"} if htmx else {}
        return self._ask("POST", address, headers=headers, data=form or {})

    def pages(self, addresses: Sequence[str] = PAGES) -> list[Seen]:
        """Look at each of the main pages."""
        return [self.get(address) for address in addresses]

    def read_slice(self, days: str) -> Seen:
        """Ask for one slice of a reading, as the page does until it is done."""
        return self.post(f"/consumption/read/?{days}", htmx=True)

    def _ask(self, method: str, address: str, **options: object) -> Seen:
        begun = time.monotonic()
        try:
            answer = self._session.request(
                method, self.url + address, timeout=120, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            return Seen(address, 0, type(error).__name__, time.monotonic() - begun)
        return Seen(address, answer.status_code, answer.text, time.monotonic() - begun)


def goes_on(seen: Seen) -> bool:
    """Tell whether a reading is to be asked for again: it is under way, or its last slice got no answer."""
    return seen.status != 200 or "hx-trigger" in seen.text


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
