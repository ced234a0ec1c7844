"""Views of the kept history that a customer has saved: a page with its question, under a name."""

import uuid
from collections.abc import Collection

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import OwnedQuerySet

LONGEST_VIEW_NAME = 80
LONGEST_QUERY = 3500
"""A longer address would not come through: web servers take lines of about 4,000 bytes."""


class SavedViewQuerySet(OwnedQuerySet):
    """Saved views as their owner sees them."""

    def on(self, pages: Collection[str]) -> "SavedViewQuerySet":
        """Keep the views of these pages: after a step back to an older portal, one may be gone."""
        return self.filter(page__in=list(pages))

    def by_name(self) -> "SavedViewQuerySet":
        """Put them into the order of their names."""
        return self.order_by("name", "pk")


class SavedView(models.Model):
    """A page of the kept history with its question, as its owner has named it.

    ``page`` is the name of the page's address (``AnalysisPage.name``) and ``query`` what that page's own form
    has made of a question, so that a period with a name stays relative. An owner has at most one start
    page, which opens after the login.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=LONGEST_VIEW_NAME)
    page = models.CharField(_("page"), max_length=32)
    query = models.CharField(_("question"), max_length=LONGEST_QUERY, blank=True)
    is_start = models.BooleanField(_("start page"), default=False)
    saved_at = models.DateTimeField(_("saved"))

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_once_per_name"),
            models.UniqueConstraint(
                fields=["owner"], condition=Q(is_start=True), name="saved_view_one_start_per_owner"
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(page=""), name="saved_view_named"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address that asks the question."""
        url = reverse(f"consumption:{self.page}")
        return f"{url}?{self.query}" if self.query else url
