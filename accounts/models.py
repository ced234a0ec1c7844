"""Portal users: one per OUTSCALE account, and the operators."""

import uuid
from datetime import timedelta
from typing import Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LONGEST_ACCOUNT_NAME = 80
"""How many characters the name may have that a user gives to an account."""


class UserManager(BaseUserManager["User"]):
    """Creates the two kinds of user."""

    def for_account(self, account_id: str, *, name: str = "") -> "User":
        """Find or create the portal user of an OUTSCALE account, and keep its name up to date.

        An empty ``name`` (a key that may not read the account) leaves the known one as it is.
        """
        user, created = self.get_or_create(
            account_id=account_id,
            defaults={"username": account_id, "name": name, "password": "!"},  # no usable password
        )
        if name and not created and user.name != name:
            user.name = name
            user.save(update_fields=["name"])
        return user

    def create_superuser(self, username: str, password: str | None = None) -> "User":
        """Create an operator with every permission (``manage.py createsuperuser``)."""
        user = self.model(username=username, is_staff=True, is_superuser=True)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A customer (one OUTSCALE account, logs in with its keys) or an operator (staff, with a password)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("user name"), max_length=150, unique=True)
    account_id = models.CharField(
        _("OUTSCALE account"),
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        validators=[RegexValidator(r"^\d+$", _("An OUTSCALE account id has digits only."))],
        help_text=_("Empty for operators."),
    )
    name = models.CharField(_("name"), max_length=255, blank=True)
    is_staff = models.BooleanField(_("operator"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    joined_at = models.DateTimeField(_("first seen"), default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "username"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_staff=True) | Q(account_id__isnull=False),
                name="user_is_operator_or_account",
                violation_error_message=_("A user who is no operator belongs to an OUTSCALE account."),
            ),
            models.CheckConstraint(
                condition=Q(is_superuser=False, is_staff=False) | Q(account_id__isnull=True),
                name="user_account_is_no_operator",
                violation_error_message=_("An OUTSCALE account is never an operator."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})" if self.name and self.account_id else self.username


class LoginTurnManager(models.Manager["LoginTurn"]):
    """Gives turns, and takes them back."""

    def take(self, name: str, longest: timedelta) -> uuid.UUID | None:
        """Take the turn of a key, and return what ends it; None while another login has it.

        It is over after ``longest``, too.

        The clock is that of the database, which is one for all hosts.
        """
        held, holder = self.filter(name=name), uuid.uuid4()
        if held.exists():
            over = held.filter(until__lte=Now())
            is_mine = over.exists() and over.update(until=Now() + longest, holder=holder)
            return holder if is_mine else None
        try:
            with transaction.atomic():
                self.create(name=name, until=Now() + longest, holder=holder)
        except IntegrityError:  # another was faster
            return None
        return holder

    def end(self, name: str, holder: uuid.UUID) -> None:
        """Give the turn of a key to the next login, unless it has taken it already."""
        self.filter(name=name, holder=holder).delete()


class LoginTurn(models.Model):
    """A login that is going on with the access key that has the fingerprint ``name``.

    Not in the cache: a cache may be lost, and then the limit that keeps OUTSCALE from locking a key would be.
    """

    name = models.CharField(_("key"), max_length=64, primary_key=True)
    until = models.DateTimeField(_("until"))
    holder = models.UUIDField(_("holder"))

    objects = LoginTurnManager()

    class Meta:
        verbose_name = _("turn of a login")
        verbose_name_plural = _("turns of logins")

    def __str__(self) -> str:
        return self.name


class Change(models.Model):
    """When a ``subject`` last changed, as a word that another change replaces (``accounts.changes``)."""

    subject = models.CharField(_("subject"), max_length=120, primary_key=True)
    word = models.UUIDField(_("word"))

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")

    def __str__(self) -> str:
        return self.subject


class OwnedQuerySet(models.QuerySet):
    """What belongs to users, as its owner sees it: the model has the field ``owner``."""

    def owned_by(self, user: User) -> Self:
        """Keep what ``user`` owns: everything else does not exist for them."""
        return self.filter(owner=user)


class AccountNameManager(models.Manager["AccountName"]):
    """Gives names, and finds them."""

    def given_by(self, user: User, account_id: str) -> str:
        """Return what ``user`` calls an account, empty when it has no name of theirs."""
        names = self.filter(owner=user, account_id=account_id)
        return names.values_list("name", flat=True).first() or ""

    def give(self, user: User, account_id: str, name: str) -> None:
        """Let ``user`` call an account by a name; an empty one takes it back."""
        if name:
            self.update_or_create(owner=user, account_id=account_id, defaults={"name": name})
        else:
            self.filter(owner=user, account_id=account_id).delete()


class AccountName(models.Model):
    """What a user calls an OUTSCALE account of which a session of theirs has held a key."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="account_names", verbose_name=_("owner"))
    account_id = models.CharField(_("OUTSCALE account"), max_length=64)
    name = models.CharField(_("name"), max_length=LONGEST_ACCOUNT_NAME)

    objects = AccountNameManager()

    class Meta:
        verbose_name = _("name of an account")
        verbose_name_plural = _("names of accounts")
        constraints = [
            models.UniqueConstraint(fields=["owner", "account_id"], name="account_named_once_by_a_user"),
            models.CheckConstraint(
                condition=~Q(account_id="") & ~Q(name=""), name="account_name_says_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"
