"""What can be asked of the draft invoice: its days, its regions, and whether with linked accounts."""

from consumption.forms import ConsumptionFilter
from consumption.periods import Preset

OFFERED = (
    Preset.LAST_MONTH,
    Preset.MONTH_TO_DATE,
    Preset.LAST_3_MONTHS,
    Preset.LAST_6_MONTHS,
    Preset.LAST_12_MONTHS,
    Preset.YEAR_TO_DATE,
)
"""The periods that are offered by name; the address takes the others too."""


class InvoiceFilter(ConsumptionFilter):
    """The address of the draft invoice: the last month when it names no days, all regions when it names none.

    ``first`` and ``last`` are both included.
    """

    granularity = group_by = None
    category = service = resource_type = subregion = account = resource = None
    page = None

    def clean_period(self) -> str:
        """Return the name of the period, the last month by default."""
        return self.cleaned_data["period"] or Preset.LAST_MONTH
