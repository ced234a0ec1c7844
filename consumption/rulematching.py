"""Which rules fit a resource: as whole numbers with a bit for each rule, the lowest for the first one.

So one comparison tells all rules that fit, for whoever asks which one decides, and which would have.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from functools import cached_property

from consumption.allocationparts import Part, Place, Values
from consumption.rules import ANYTHING, AllocationRule

NAME_KEY = "Name"
"""The key of the tag that the cloud and its customers call resources by."""

_OTHER_WILDCARDS = re.compile(r"([?\[])")


def keys_of(rules: Iterable[AllocationRule]) -> tuple[str, ...]:
    """Return the keys of the tags that rules look at, each once."""
    keys = dict.fromkeys(rule.tag_key for rule in rules if rule.tag_key)
    if any(rule.name_pattern for rule in rules):
        keys[NAME_KEY] = None
    return tuple(keys)


def tester_of(pattern: str) -> Callable[[str], object]:
    """Return what tells, by a true value, whether a text fits a pattern (``ANYTHING``)."""
    if ANYTHING not in pattern:
        return pattern.__eq__
    return re.compile(translate(_OTHER_WILDCARDS.sub(r"[\1]", pattern))).match


class Matching:
    """The rules that fit some parts of an allocation by ``keys_of`` these rules."""

    def __init__(self, rules: Sequence[AllocationRule], parts: Sequence[Part]) -> None:
        self._rules = rules
        self._parts = parts
        self._keys = keys_of(rules)
        self._of_values: dict[Values, int] = {}
        self._of_account: dict[str, int] = {}
        self._of_value: dict[tuple[int, str | None], int] = {}
        self._by_key = [self._rules_of(key) for key in self._keys]

    def bits_of(self, part: Part) -> int:
        """Return the bits of the rules that fit a part."""
        account_id = part.place[0]
        if account_id not in self._of_account:
            self._of_account[account_id] = self._bits(lambda rule: rule.account_id in ("", account_id))
        bits = self._of_account[account_id]
        if self._keys:
            bits &= self._by_tags(part.values)
        return bits & self._by_name(part.place, part.values) if self._names else bits

    def _bits(self, fits: Callable[[AllocationRule], bool]) -> int:
        return sum(1 << place for place, rule in enumerate(self._rules) if fits(rule))

    def _rules_of(self, key: str) -> tuple[int, list[tuple[int, Callable[[str], object]]]]:
        """Return the bits of the rules that look at no value of a key, and of the others their tests."""
        tests = [
            (1 << place, tester_of(rule.tag_value))
            for place, rule in enumerate(self._rules)
            if rule.tag_key == key
        ]
        return self._bits(lambda rule: rule.tag_key != key), tests

    def _by_tags(self, values: Values) -> int:
        known = values[:-1] if self._names and not self._by_key[-1][1] else values
        if known not in self._of_values:
            bits = -1
            for place, value in enumerate(known):
                bits &= self._by_value(place, value)
            self._of_values[known] = bits
        return self._of_values[known]

    def _by_value(self, place: int, value: str | None) -> int:
        if (place, value) not in self._of_value:
            bits, tests = self._by_key[place]
            if value is not None:
                bits |= sum(bit for bit, test in tests if test(value))
            self._of_value[place, value] = bits
        return self._of_value[place, value]

    def _by_name(self, place: Place, values: Values) -> int:
        name = values[self._keys.index(NAME_KEY)]
        return self._names[place[2]] | (self._names[name] if name is not None else 0)

    @cached_property
    def _names(self) -> dict[str, int]:
        """The bits of the rules that a name or an id fits; nothing where no rule asks for one."""
        if not any(rule.name_pattern for rule in self._rules):
            return {}
        number = self._keys.index(NAME_KEY)
        names = {part.place[2] for part in self._parts} | {part.values[number] for part in self._parts}
        found = dict.fromkeys(sorted(names - {None}), self._bits(lambda rule: not rule.name_pattern))
        in_order = list(found)
        for place, rule in enumerate(self._rules):
            for name in _fitting(rule.name_pattern, in_order):
                found[name] |= 1 << place
        return found


def _fitting(pattern: str, in_order: Sequence[str]) -> Iterable[str]:
    """Return which of the names in order fit a pattern.

    Only those are compared that begin as it does and hold its longest piece: a hundred patterns of ten
    thousands of names would else take many seconds.
    """
    if not pattern:
        return ()
    pieces = pattern.split(ANYTHING)
    begin, longest = pieces[0], max(pieces, key=len)
    first = bisect_left(in_order, begin)
    end = bisect_right(in_order, begin, lo=first, key=lambda name: name[: len(begin)])
    return filter(tester_of(pattern), [name for name in in_order[first:end] if longest in name])
