"""The kept days are the largest tables of the portal, and each index is written for each of their rows."""

import pytest
from django.db.models import Model, UniqueConstraint

from consumption.models import ResourceTag, ResourceUsage, Usage

Fields = tuple[str, ...]


@pytest.mark.parametrize("model", [Usage, ResourceUsage, ResourceTag])
def test_the_database_keeps_no_index_of_days_that_a_longer_one_replaces(model):
    unique, others = unique_fields(model), other_indexes(model)
    replaced = {
        short
        for short in others
        for long in unique | others
        if len(short) < len(long) and long[: len(short)] == short
    }
    assert len(unique | others) > 1
    assert not replaced


def unique_fields(model: type[Model]) -> set[Fields]:
    """Return what is unique: a promise, which no longer index makes."""
    found = (one for one in model._meta.constraints if isinstance(one, UniqueConstraint))
    return {tuple(one.fields) for one in found}


def other_indexes(model: type[Model]) -> set[Fields]:
    """Return the fields of the indexes of all rows."""
    ordinary = {tuple(one.fields) for one in model._meta.indexes if one.condition is None}
    own = {(field.name,) for field in model._meta.concrete_fields if field.db_index and not field.unique}
    return ordinary | own
