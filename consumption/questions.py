"""What can be asked of the kept history."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from consumption.periods import Granularity, Period


class Dimension(TextChoices):
    """What consumption can be grouped and filtered by."""

    CATEGORY = "category", _("Category")
    SERVICE = "service", _("Service")
    TYPE = "resource_type", _("Type")
    SUBREGION = "subregion", _("Subregion")
    REGION = "region", _("Region")
    ACCOUNT = "account", _("Account")
    RESOURCE = "resource", _("Resource")


@dataclass(frozen=True)
class Question:
    """What to show of the history.

    ``filters`` holds the accepted values of a dimension; all filters must hold. ``with_linked``: also the
    accounts that are billed to this one. ``totals_only``: the groups are hardly asked for, so that the steps
    are better added without them; the answers are the same.
    """

    period: Period
    granularity: str = Granularity.DAY
    group_by: str = Dimension.CATEGORY
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    with_linked: bool = False
    totals_only: bool = False

    @property
    def asks_resources(self) -> bool:
        """Tell whether a resource is chosen, so that only the consumption by resource can answer."""
        return Dimension.RESOURCE in self.filters
