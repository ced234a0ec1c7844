"""Bad days, each made on purpose: ``python -m bench.faults NAME`` or ``all``; docs/bad-days.md has the outcome."""
