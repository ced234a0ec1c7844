"""The log of what the sandbox was asked, for tests to look into."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request, logged before anything was checked or went wrong.

    `call` is the path where it is none of the API; `access_key` is the one claimed, empty without signature;
    `parameters` is None where the body is no JSON object; `peer_port` tells connections apart.
    """

    call: str
    region: str
    access_key: str
    peer_port: int
    time: datetime
    parameters: Mapping[str, Any] | None


class RequestLog:
    """Every request since the start or the last `clear`, in the order of arrival; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: list[Received] = []

    def __iter__(self) -> Iterator[Received]:
        with self._lock:
            return iter(tuple(self._received))

    def __len__(self) -> int:
        return len(self._received)

    def add(self, received: Received) -> None:
        """Log one request."""
        with self._lock:
            self._received.append(received)

    def calls(self) -> list[str]:
        """Return the names of the calls."""
        return [received.call for received in self]

    def count(
        self, call: str | None = None, *, region: str | None = None, access_key: str | None = None
    ) -> int:
        """Return how many requests there were: of a call, to a region, with a key, or of all of these."""
        wanted = {"call": call, "region": region, "access_key": access_key}
        asked = {name: value for name, value in wanted.items() if value is not None}
        return sum(
            all(getattr(received, name) == value for name, value in asked.items()) for received in self
        )

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._received.clear()
