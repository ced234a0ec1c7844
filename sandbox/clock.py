"""The clock of the sandbox, which tests can move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The real time, plus a shift that starts at zero."""

    def __init__(self) -> None:
        self._shift = timedelta()

    def now(self) -> datetime:
        """Return the time of the cloud, in UTC."""
        return datetime.now(UTC) + self._shift

    def shift(self, seconds: float) -> None:
        """Move the clock of the cloud; a negative number makes every client look ahead of it."""
        self._shift += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Return to the real time."""
        self._shift = timedelta()
