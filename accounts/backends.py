"""Authentication with OUTSCALE keys, in the form that Django and django-axes expect."""

from uuid import UUID

from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from accounts import proof
from accounts.errors import AccountClosed, AuthenticationRefused
from accounts.gateway import Gateway
from accounts.models import User

_COLUMNS = ", ".join(field.column for field in User._meta.concrete_fields)
_QUERY = f"SELECT {_COLUMNS} FROM {User._meta.db_table} WHERE id = %s"  # noqa: S608 - names of ours


class KeysBackend(ModelBackend):
    """Logs in the portal user of the OUTSCALE account that a pair of keys opens.

    Only keys that OUTSCALE itself refuses are a failed login, which django-axes counts. Every other trouble
    is raised: it says nothing against the keys.
    """

    def authenticate(  # the parameters tell Django which logins are meant for this backend
        self, request: HttpRequest, username: str, *, secret_key: str, region: str
    ) -> User | None:
        """Return the user of the account, None when the keys are refused; ``username`` is the access key.

        Raises ``CloudError`` and ``AccountClosed``.
        """
        try:
            owner = proof.owner_of(Gateway(username, secret_key, region), today=timezone.now().date())
        except AuthenticationRefused:
            return None
        user = User.objects.for_account(owner.account_id, name=owner.name)
        if not user.is_active:
            raise AccountClosed
        return user

    def get_user(self, user_id: UUID) -> User | None:
        """Return the user of a session, None when they are gone or were deactivated.

        Every request asks this: to put the query together took longer than to have it answered.
        """
        found = User.objects.raw(_QUERY, [User._meta.pk.get_db_prep_value(user_id, connection)])
        user = next(iter(found), None)
        return user if user and self.user_can_authenticate(user) else None
