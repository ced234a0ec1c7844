"""What an account consumed with resources that are gone by now, so that no call lists them.

Every account has workers that a scheduler starts in the morning of each weekday and deletes in the evening,
longest on Mondays and shortest on Fridays, and traffic that follows the week. An eventful past has two things
more, on days that move on with the months, so that they are always within the last twelve:

- a platform that ran day and night, and was deleted at the beginning of `step_day`: a step down;
- a campaign of VMs with GPUs, on `spike_days` only.

Everything else is the same from one week to the next. The past begins on 8 January 2024, with the first
resource. Volumes and addresses of what is gone are left out: they cost little beside it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from sandbox.draw import FIRST_DAY, Draw
from sandbox.prices import FCU, VM, Key
from sandbox.regions import REGIONS

WORKER_TYPE = "tinav6.c16r64p2"
"""The type of the workers, which nothing else has."""
PLATFORM_TYPE = "tinav5.c16r64p1"
"""The type of the VMs of the deleted platform, which nothing else has."""
CAMPAIGN_TYPE = "tinav6.c24r128p1"
"""The type of the VMs of the campaign, which nothing else has."""
CAMPAIGN_GPU = "nvidia-h100"
"""The model of the GPUs of the campaign, which nothing else has."""
WORKING_HOURS = (13, 12, 12, 12, 10, 0, 0)
"""The hours that each worker runs, from Monday to Sunday."""

_LINUX, _WINDOWS = "0001", "0002"
_PLATFORM_VMS = 6
_CAMPAIGN_VMS = 8
# From Monday to Sunday, in GiB, for each worker; the traffic of a day is up to a tenth more or less.
_TRAFFIC = (2.9, 2.7, 2.8, 2.7, 2.2, 0.7, 0.5)


class Use(NamedTuple):
    """What one resource consumed of one product on one day; `value` is in hours, or in GiB for traffic.

    Traffic is the account's, and has no `resource_id`. `place` is as for meters.
    """

    day: date
    key: Key
    place: str
    resource_id: str | None
    value: Fraction


def step_day(today: date) -> date:
    """Return the first day without the platform: the first of the month six months before that of `today`."""
    return _month_before(today, 6)


def spike_days(today: date) -> tuple[date, date, date]:
    """Return the days of the campaign: the 9th to the 11th, three months before the month of `today`."""
    first = _month_before(today, 3)
    return first.replace(day=9), first.replace(day=10), first.replace(day=11)


@dataclass(frozen=True)
class Past:
    """What one account had in one region; `workers` is how many run at once, and none have no traffic."""

    seed: int
    region: str
    account_id: str
    workers: int
    is_eventful: bool

    def uses(self, first: date, end: date, today: date) -> Iterator[Use]:
        """Yield what was consumed on each day from `first` to `end`, excluded.

        A day is answered the same whenever it is asked for within one month of `today`.
        """
        day = max(first, FIRST_DAY)
        while day < end:
            yield from self._uses_of(day, today)
            day += timedelta(days=1)

    def _uses_of(self, day: date, today: date) -> Iterator[Use]:
        if hours := WORKING_HOURS[day.weekday()]:
            # They are built from a new image each month, and keep their ids as long.
            for worker in self._ids("i", f"workers/{day:%Y-%m}", self.workers):
                yield from self._vm(day, worker, WORKER_TYPE, _LINUX, hours)
        if self.workers:
            yield self._traffic(day)
        if self.is_eventful and day < step_day(today):
            for vm in self._ids("i", "platform", _PLATFORM_VMS):
                yield from self._vm(day, vm, PLATFORM_TYPE, _WINDOWS, 24)
        if self.is_eventful and day in spike_days(today):
            yield from self._campaign(day)

    def _campaign(self, day: date) -> Iterator[Use]:
        name = f"campaign/{day:%Y-%m}"
        for vm in self._ids("i", name, _CAMPAIGN_VMS):
            yield from self._vm(day, vm, CAMPAIGN_TYPE, _LINUX, 24)
        key = (FCU, f"Gpu:attach:{CAMPAIGN_GPU}", "AllocateGpu")
        for gpu in self._ids("fgpu", name, _CAMPAIGN_VMS):
            yield Use(day, key, self.region, gpu, Fraction(24))

    def _vm(self, day: date, vm_id: str, vm_type: str, code: str, hours: int) -> Iterator[Use]:
        place = REGIONS[self.region].subregions[0][0]
        yield Use(day, (FCU, f"BoxUsage:{vm_type}", VM), place, vm_id, Fraction(hours))
        licence = (FCU, f"ProductUsage:{vm_type}", f"RunInstances-{code}-OD")
        yield Use(day, licence, place, vm_id, Fraction(hours))

    def _traffic(self, day: date) -> Use:
        noise = random.Random(f"{self._name}/traffic/{day}").uniform(0.9, 1.1)
        gib = self.workers * _TRAFFIC[day.weekday()] * noise
        key = (FCU, "DataTransfer-Internet:out", "RunInstances")
        return Use(day, key, self.region, None, Fraction(round(gib * 2**20), 2**20))

    def _ids(self, prefix: str, name: str, count: int) -> tuple[str, ...]:
        return _ids(self.region, prefix, f"{self._name}/{name}", count)

    @property
    def _name(self) -> str:
        return f"{self.seed}/{self.region}/{self.account_id}"


@lru_cache(maxsize=1024)
def _ids(region: str, prefix: str, name: str, count: int) -> tuple[str, ...]:
    draw = Draw(random.Random(name), REGIONS[region])
    return tuple(draw.id(prefix) for _ in range(count))


def _month_before(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months before the month of a day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)
