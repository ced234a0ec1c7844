"""The lines of the drift as they are shown: each with the name of its resource and why it differs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from consumption.drift import Drift, Line
from consumption.driftkinds import kind_name
from consumption.driftreasons import SMALLEST, Facts, Reason, ReasonCode, facts_of, reasons_of
from consumption.drifttext import reason_text

LINES_AT_ONCE = 5_000


class Shown(NamedTuple):
    """A line, what its resource is called and is, and what is known of its difference."""

    line: Line
    name: str
    specification: str
    reasons: list[Reason]

    def texts(self, currency: str) -> list[str]:
        """Say what is known of the difference, one sentence for each reason."""
        return [reason_text(reason, self.line.kind, currency) for reason in self.reasons]


def shown_lines(drift: Drift, lines: Iterable[Line]) -> list[Shown]:
    """Return some lines as they are shown, in their order."""
    lines = list(lines)
    keys = defaultdict(list)
    for line in lines:
        keys[line.account_id, line.region].append((line.kind, line.resource_id))
    places = {(region.ledger.account_id, region.ledger.region): region for region in drift.regions}
    facts = {
        place: facts_of(region, keys[place])
        for place, region in places.items()
        if keys[place] and not region.is_by_kind
    }
    return [
        _planned(line)
        if places[line.account_id, line.region].is_by_kind
        else _shown(line, facts[line.account_id, line.region][line.kind, line.resource_id])
        for line in lines
    ]


def all_lines(drift: Drift) -> Iterator[Shown]:
    """Yield every line as it is shown, some thousand at once."""
    for begin in range(0, len(drift.lines), LINES_AT_ONCE):
        yield from shown_lines(drift, drift.lines[begin : begin + LINES_AT_ONCE])


def _shown(line: Line, facts: Facts) -> Shown:
    differs = abs(line.sums.difference) >= SMALLEST
    last = facts.spans[-1].line if facts.spans else None
    name = (last.name or line.resource_id) if last else line.resource_id or kind_name(line.kind)
    return Shown(line, name, last.specification if last else "", reasons_of(facts) if differs else [])


def _planned(line: Line) -> Shown:
    reasons = []
    if not line.sums.estimated:
        reasons.append(Reason(ReasonCode.NOT_PLANNED))
    elif not line.sums.consumed:
        reasons.append(Reason(ReasonCode.PLANNED_ONLY))
    return Shown(line, kind_name(line.kind), "", reasons)
