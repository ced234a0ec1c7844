"""What a fault prints: what was done, what users saw, what was lost, and whether it was as promised."""

import time
from collections.abc import Callable
from typing import Any


class Report:
    """Prints as it goes; ``failed`` are the expectations that did not hold."""

    def __init__(self, title: str) -> None:
        self.failed: list[str] = []
        self._begun = time.monotonic()
        print(f"\n=== {title}", flush=True)

    def did(self, what: str) -> None:
        """Say what was done to the portal."""
        print(f"[{time.monotonic() - self._begun:6.1f} s] done: {what}", flush=True)

    def saw(self, what: str) -> None:
        """Say what users saw."""
        print(f"[{time.monotonic() - self._begun:6.1f} s] seen: {what}", flush=True)

    def expect(self, what: str, holds: object, found: object = "") -> None:
        """Print whether an expectation holds, with what was found where it does not."""
        said = "holds" if holds else "DOES NOT HOLD"
        print(f"    {said}: {what}{'' if holds or found == '' else f' (found {found})'}", flush=True)
        if not holds:
            self.failed.append(what)

    def until(self, what: str, is_so: Callable[[], Any], *, seconds: float) -> float:
        """Wait until something is so, without doing anything for it; return and print how long it took."""
        begun = time.monotonic()
        while not (so := is_so()) and time.monotonic() - begun < seconds:
            time.sleep(0.2)
        took = time.monotonic() - begun
        self.expect(f"{what}, by itself, after {took:.1f} s (at most {seconds:.0f} s)", so)
        return took

    def verdict(self) -> bool:
        """Print the verdict; tell whether every expectation held."""
        if self.failed:
            print(f"VERDICT: {len(self.failed)} expectations did not hold", flush=True)
        else:
            print("VERDICT: as promised", flush=True)
        return not self.failed
