"""Tags that change: one VM of each account and region belongs to another project each week.

It is tagged anew on Monday at midnight (UTC), with the next project of `sandbox.draw.PROJECTS`. Its volume
keeps the tags with which it was made: whoever hands a VM over mostly forgets it.
"""

from dataclasses import replace
from datetime import date

from sandbox.draw import PROJECTS
from sandbox.inventory import Inventory, Vm
from sandbox.specialcases import HANDED_OVER

_KEY = "project"


def week_of(day: date) -> int:
    """Return the number of the week of a day, which begins on Monday."""
    return (day.toordinal() - 1) // 7  # the day with the ordinal 1 was a Monday


def project_of(week: int) -> str:
    """Return the project that has the VM in a week."""
    return PROJECTS[week % len(PROJECTS)]


def as_of(inventory: Inventory, week: int) -> Inventory:
    """Return an inventory with the tags it has in a week; where nothing is handed over, as it is."""
    vms = tuple(_tagged(vm, week) if ("Name", HANDED_OVER) in vm.tags else vm for vm in inventory.vms)
    return replace(inventory, vms=vms) if vms != inventory.vms else inventory


def _tagged(vm: Vm, week: int) -> Vm:
    others = ((key, value) for key, value in vm.tags if key != _KEY)
    return replace(vm, tags=(*others, (_KEY, project_of(week))))
