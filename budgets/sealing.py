"""Texts that a stolen database does not tell: the address of a webhook lets anybody post to it."""

import base64
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

_PURPOSE = b"osc-finops budgets"


class SealedTextField(models.TextField):
    """A text that is kept encrypted under the server's ``SECRET_KEY``; an empty one stays empty.

    One that neither ``SECRET_KEY`` nor its fallbacks can open any more reads as empty.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        """Open what is kept."""
        if not value:
            return value
        try:
            return _lock().decrypt(value.encode()).decode()
        except InvalidToken:
            return ""

    def get_prep_value(self, value: Any) -> str | None:
        """Seal what is to be kept."""
        return _lock().encrypt(str(value).encode()).decode() if value else value


def _lock() -> MultiFernet:
    server_secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(secret)) for secret in server_secrets])


def _derive(secret: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(derivation.derive(secret.encode()))
