"""What is committed: counted in the database itself, past the portal."""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import psycopg

_READ = "state IN ('complete', 'provisional', 'partial')"
_COUNTED = {
    "days read": f"SELECT count(*) FROM consumption_usageday WHERE {_READ}",  # noqa: S608 - our own
    "days failed": "SELECT count(*) FROM consumption_usageday WHERE state = 'failed'",
    "lines": "SELECT count(*) FROM consumption_usage",
    "sum of prices": "SELECT coalesce(sum(price), 0) FROM consumption_usage",
    "quotes": "SELECT count(*) FROM quotes_quote",
    "budgets": "SELECT count(*) FROM budgets_budget",
    "failed logins": "SELECT coalesce(sum(failures_since_start), 0) FROM axes_accessattempt",
}


@dataclass(frozen=True)
class Database:
    """A database, by its ``DATABASE_URL``."""

    url: str

    def counts(self) -> dict[str, int]:
        """Return how much there is of everything that must not be lost."""
        return {name: int(self._first(query)) for name, query in _COUNTED.items()}

    def rows(self, query: str) -> list[tuple]:
        """Return the rows of a query."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                connection.create_function("REGEXP", 2, lambda how, text: bool(re.search(how, str(text))))
                return connection.execute(query).fetchall()
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def _first(self, query: str) -> int:
        return self.rows(query)[0][0]


def lost(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Return of what there is less than before."""
    return {name: count - after[name] for name, count in before.items() if after[name] < count}
