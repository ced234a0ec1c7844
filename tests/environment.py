"""The environment of the test run, set before Django reads its settings (loaded by ``pytest -p``)."""

import os

os.environ["DEBUG"] = "true"  # plain HTTP; pytest-django switches settings.DEBUG off again
os.environ["SECRET_KEY"] = "tests-only"
os.environ["LOG_LEVEL"] = "WARNING"
