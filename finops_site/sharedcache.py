"""The cache that all processes share, in Redis or in the database, whose trouble is no fault of a page.

Nothing in the cache has to outlive it: answers are worked out again, and the limits of logins are counted in
the database. So while Redis gives no answer, each process remembers for itself in its own memory. What keeps
the cloud from being asked too often then still holds, for each process.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.db import OperationalError, connection
from redis.exceptions import RedisError

from consumption import moment

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_TRIES = 5
"""So long an absent Redis is left alone: one that hangs would cost every look-up its timeout."""


class Absence:
    """Whether a server is away, as this process has found; one thread at a time looks again."""

    def __init__(self, server: str) -> None:
        self.memory = LocMemCache(f"instead of {server}", {})
        self._lock = threading.Lock()
        self._next_try: float | None = None

    @property
    def is_on(self) -> bool:
        """Tell whether the server gave no answer when it was last asked."""
        return self._next_try is not None

    def is_worth_a_try(self) -> bool:
        """Tell whether to ask the server: it is there, or nobody has looked for a while."""
        if self._next_try is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._next_try is not None and now < self._next_try:
                return False
            self._next_try = now + SECONDS_BETWEEN_TRIES
            return True

    def begin(self) -> bool:
        """Note that the server gave no answer; tell whether that is news.

        What was remembered in its place the last time is old then, and forgotten.
        """
        with self._lock:
            is_news = self._next_try is None
            self._next_try = time.monotonic() + SECONDS_BETWEEN_TRIES
            if is_news:
                self.memory.clear()
            return is_news

    def end(self) -> None:
        """Note that the server has answered."""
        if self._next_try is not None:
            self._next_try = None
            logger.warning("The cache answers again.")


@cache
def _absence_of(server: str) -> Absence:
    """Return what this process knows of a server; Django has an object of the cache for each thread."""
    return Absence(server)


def _or_from_substitute(name: str) -> Callable[..., Any]:
    """Return the method ``name`` of a cache, which asks Redis, or its substitute while that is away."""
    asked = getattr(RedisCache, name)

    def method(self: "SharedCache", *args: Any, **kwargs: Any) -> Any:
        if self.absence.is_worth_a_try():
            try:
                answer = asked(self, *args, **kwargs)
            except RedisError as error:
                if self.absence.begin():
                    logger.error("The cache gives no answer (%s).", type(error).__name__)
            else:
                self.absence.end()
                return answer
        return getattr(self.substitute, name)(*args, **kwargs)

    return method


class SharedCache(RedisCache):
    """Django's cache in Redis, with a substitute while that is away: the memory of this process."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.absence = _absence_of(str(server))
        self.substitute: BaseCache = self.absence.memory

    add = _or_from_substitute("add")
    get = _or_from_substitute("get")
    set = _or_from_substitute("set")
    touch = _or_from_substitute("touch")
    delete = _or_from_substitute("delete")
    has_key = _or_from_substitute("has_key")
    incr = _or_from_substitute("incr")
    get_many = _or_from_substitute("get_many")
    set_many = _or_from_substitute("set_many")
    delete_many = _or_from_substitute("delete_many")
    clear = _or_from_substitute("clear")


class SharedOrNothing(SharedCache):
    """The same without anything in its place, for what each process remembers anyway."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.substitute = DummyCache("nothing", {})


class TableCache(DatabaseCache):
    """Django's cache in a table of the database, in which can be looked while the disk is full."""

    def _base_delete_many(self, keys: Collection[str]) -> bool:
        """Delete entries, which Django also does when it finds one that has expired.

        Where one moment of the database is looked at nothing may be written: that waits for its end.
        """
        if moment.is_looked_at():
            moment.after_the_moment(lambda: self._base_delete_many(keys))
            return False
        try:
            return super()._base_delete_many(keys)
        except OperationalError:
            if connection.in_atomic_block:
                raise
            logger.exception("What has expired stays in the cache.")
            return False
