"""Where the alerts of budgets arrive in tests."""

import pytest

from tests.budgets.receivers import mail_server, webhook


@pytest.fixture
def mails(settings):
    with mail_server(settings) as server:
        yield server


@pytest.fixture
def receiver(settings):
    with webhook(settings) as server:
        yield server
