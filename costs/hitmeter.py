"""How often an answer was there already, and how often it had to be made anew, for the metrics."""

from prometheus_client import Counter

_ANSWERS = Counter(
    "osc_finops_remembered_answers",
    "Answers that were looked for where they are remembered: found there (hit), or made anew (miss).",
    ["kind", "outcome"],
)


def count(kind: str, *, hits: int = 0, misses: int = 0) -> None:
    """Count answers of a ``kind``, a name of the portal's own and nothing that anybody has typed."""
    if hits:
        _ANSWERS.labels(kind, "hit").inc(hits)
    if misses:
        _ANSWERS.labels(kind, "miss").inc(misses)
