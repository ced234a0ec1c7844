"""What can be asked of the drift: the same form reads the addresses of page, files and API."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consumption.driftkinds import KINDS, kind_name
from consumption.estimatefiles import MOST_BYTES
from consumption.forms import ConsumptionFilter
from consumption.periods import ONE_DAY, Granularity
from consumption.questions import Dimension, Question
from costs.forms import LONGEST_TEXT, TextsField

MOST_COMPARED_DAYS = 62
"""Two months, as many as OUTSCALE's own page shows of the consumption: each resource is compared each day."""

READINGS, LAST_READING, FILE, PLAN = "readings", "latest", "file", "plan"

ESTIMATES = ((READINGS, _("Stored readings")), (LAST_READING, _("The last reading, for all days")))
"""What is always offered as the estimate; files and plans are ``file:ID`` and ``plan:ID``."""

_SEVERAL = ("category", "resource_type", "resource", "region", "place", "tag")


class UploadForm(forms.Form):
    """A file to compare the consumption with."""

    file = forms.FileField(
        label=_("File"),
        max_length=255,
        help_text=_("The JSON of osc-cost --format json, or of the current cost."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.jsonl,application/json"}),
        error_messages={"required": _("Choose a file.")},
    )

    def clean_file(self) -> UploadedFile:
        """Refuse a file that is too large before it is read."""
        if self.cleaned_data["file"].size > MOST_BYTES:
            problem = _("The file is larger than %(most)s MB.")
            raise forms.ValidationError(problem, params={"most": MOST_BYTES // 2**20})
        return self.cleaned_data["file"]


class DriftFilter(ConsumptionFilter):
    """The address of the drift: days, what is the estimate, filters by category, kind, resource and tag."""

    asks = ("first", "last", "estimate", "add_tag")

    granularity = group_by = service = subregion = account = steps = sort = None

    estimate = forms.CharField(
        label=_("Estimate"), required=False, max_length=64, widget=forms.Select(choices=ESTIMATES)
    )
    tag = TextsField(label=_("Tag"), required=False)
    add_tag = forms.CharField(
        label=_("Only with the tag"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.TextInput(attrs={"placeholder": _("key=value")}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offered: Sequence[tuple[str, str]] = ()

    def offer(self, estimates: Sequence[tuple[str, str]]) -> None:
        """Offer more estimates: names of the address, and names for people."""
        self._offered = estimates
        self.fields["estimate"].widget.choices = [*ESTIMATES, *estimates]

    def clean_estimate(self) -> str:
        """Return what the estimate is: the stored readings, unless another one is asked for."""
        asked = self.cleaned_data["estimate"] or READINGS
        kind, _colon, rest = asked.partition(":")
        if asked in dict(ESTIMATES) or (kind in (FILE, PLAN) and rest):
            return asked
        problem = _("“%(value)s” is no estimate; there are %(all)s.")
        known = f"{READINGS}, {LAST_READING}, {FILE}:…, {PLAN}:…"
        raise forms.ValidationError(problem, params={"value": asked, "all": known})

    def clean_resource_type(self) -> list[str]:
        """Return the kinds of resource asked for, each of which must exist."""
        for kind in self.cleaned_data["resource_type"]:
            if kind not in KINDS:
                problem = _("No kind of resource is called “%(value)s”.")
                raise forms.ValidationError(problem, params={"value": kind[:64]})
        return self.cleaned_data["resource_type"]

    def clean_linked(self) -> bool:
        """Compare an account with itself: its readings tell nothing of the accounts billed to it."""
        return False

    def clean(self) -> dict[str, Any]:
        """Check the days, and put the tag that is being added to the others."""
        asked = super().clean()
        days = asked.get("days")
        if days and days.length > MOST_COMPARED_DAYS:
            self._refuse_days("period")
        added = asked.pop("add_tag", "")
        if added and "tag" in asked:
            asked["tag"] = list(dict.fromkeys([*asked["tag"], added]))
        return asked

    def _clean_days(self, first: dt.date | None, last: dt.date | None, preset: str) -> None:
        end = last or self._today - ONE_DAY
        if first and (end - first).days >= MOST_COMPARED_DAYS:
            self._refuse_days("first")
            return
        super()._clean_days(first, last, preset)

    def _refuse_days(self, field: str) -> None:
        problem = _("At most %(days)s days, two months, can be compared at once.")
        self.add_error(field, forms.ValidationError(problem, params={"days": MOST_COMPARED_DAYS}))

    @property
    def question(self) -> Question:
        """What is asked of the history: all of the days, day by day."""
        return Question(period=self.days, granularity=Granularity.DAY, group_by=Dimension.CATEGORY)

    @property
    def estimate_kind(self) -> str:
        """Which sort of estimate is asked for."""
        return self.cleaned_data["estimate"].partition(":")[0]

    @property
    def estimate_id(self) -> str:
        """Which file or plan is asked for, empty for readings."""
        return self.cleaned_data["estimate"].partition(":")[2]

    @property
    def cannot_last(self) -> str | Promise:
        """Why the question cannot be asked some weeks later: files are dropped."""
        if self.estimate_kind != FILE:
            return ""
        return _("A file is kept for a few days only. Choose another estimate to save the view.")

    @property
    def address(self) -> QueryDict:
        """The query that asks the same again, from the first page on, without refused and empty values."""
        address = QueryDict(mutable=True)
        for name in self.fields:
            found = self.cleaned_data.get(name) if name != "page" else None
            if not found or (name, found) == ("estimate", READINGS):
                continue
            if name in _SEVERAL:
                address.setlist(name, found)
            else:
                address[name] = found.isoformat() if isinstance(found, dt.date) else str(found)
        return address

    @property
    def shown(self) -> "DriftFilter":
        """The form as a page shows it: each field says what is shown; a refused one keeps what was typed."""
        if self.errors:
            return self
        initial = {"first": self.days.first, "last": self.days.last}
        initial["estimate"] = self.cleaned_data["estimate"]
        shown = type(self)(initial=initial, today=self._today, regions=self._regions, places=self._places)
        shown.offer(self._offered)
        return shown

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of resource that are not chosen yet, with their names."""
        chosen = self.cleaned_data.get("resource_type", [])
        return [(kind, kind_name(kind)) for kind in KINDS if kind not in chosen]
