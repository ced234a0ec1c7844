"""Authentication with OUTSCALE keys, in the form that Django and django-axes expect."""

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils import timezone

from accounts import proof
from accounts.errors import AccountClosed, AuthenticationRefused
from accounts.gateway import Gateway
from accounts.models import User


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
