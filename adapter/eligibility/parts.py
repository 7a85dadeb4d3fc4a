"""Looks into the predicates of a criterion: the parts it is made of, the facts, types and readings that they name."""

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from adapter.eligibility.context import Anchor, Context
from adapter.eligibility.predicates.base import Predicate
from adapter.eligibility.predicates.logic import AllOf, AnyOf
from adapter.eligibility.trial import Criterion, Trial
from adapter.facts.model import PatientRecord


def parts_of(predicate: Predicate) -> Iterator[Predicate]:
    """A predicate and, below `any` and `all`, its children."""
    yield predicate
    if isinstance(predicate, AnyOf | AllOf):
        for child in predicate.children:
            yield from parts_of(child)


def words_of(value: object) -> Iterator[str]:
    """Every string in the settings of a predicate and in what they hold, keys of mappings too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, AnyOf | AllOf):
        yield from words_of(value.children)
        yield from words_of(getattr(value, "one_suffices", None))
    elif isinstance(value, Mapping):
        yield from words_of(tuple(value.keys()))
        yield from words_of(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from words_of(one)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from words_of(getattr(value, name))


def readings_of(criterion: Criterion, trial: Trial) -> tuple[str, ...]:
    """The readings that a criterion names, and those that it asks for on an empty record."""
    today = date(2000, 1, 1).toordinal()
    anchors = {name: Anchor(today, True) for name in ("consent", "screening", "randomisation")}
    context = Context(PatientRecord(""), trial.readings, anchors, as_of=today, end=today)
    criterion.holds.find(context)
    named = set(words_of(criterion.holds)) & trial.readings.keys()
    return tuple(sorted(named | context.used))


def facts_of(criterion: Criterion, trial: Trial) -> frozenset[str]:
    """The facts that a criterion looks at."""
    known = {spec.name for spec in trial.tables.terminology.specs}
    return frozenset(known.intersection(words_of(criterion.holds)))
