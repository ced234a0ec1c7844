"""Bad days, each made on purpose: ``python -m bench.faults NAME``; docs/bad-days.md has the outcomes."""
