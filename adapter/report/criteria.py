"""A trial in plain text: each sentence of the protocol, what it means to the program, and the readings it rests on."""

from collections.abc import Iterator
from typing import cast

import msgspec

from adapter.assignment.arms import load_arms
from adapter.eligibility.parts import parts_of, readings_of
from adapter.eligibility.predicates.base import Predicate
from adapter.eligibility.predicates.logic import AnyOf
from adapter.eligibility.readings import ReadingEntry
from adapter.eligibility.trial import Criterion, Trial
from adapter.report.text import Page, number, wrapped

_UNTOLD = {"loaded"}


def criteria(trial: Trial, page: Page) -> Iterator[str]:
    """The lines of `trial show`."""
    yield from wrapped(f"{trial.id}: {trial.title}", page.width)
    unsigned = sum(entry.decided_by is None for entry in trial.entries)
    told = f"{number(len(trial.criteria), 'criterion', 'criteria')}, {number(len(trial.entries), 'reading')}"
    yield from wrapped(f"{told}, {unsigned} of them unsigned", page.width)
    shown: dict[str, str] = {}
    for kind in ("inclusion", "exclusion"):
        title = f"{kind.capitalize()} criteria"
        yield from ("", title, "-" * len(title))
        for criterion in trial.criteria:
            if criterion.kind == kind:
                yield from _criterion(criterion, trial, shown, page)
    yield from _attestation(trial, page)
    if (trial.folder / "arms").is_dir():
        yield from _arms(trial, shown, page)


def _arms(trial: Trial, shown: dict[str, str], page: Page) -> Iterator[str]:
    """The arms: the protocol's sentence, one course of it, and the readings that every dose rests on."""
    yield from ("", "Arms", "----")
    for arm in load_arms(trial).all:
        yield ""
        yield from wrapped(f"{arm.name} ({arm.id})", page.width, 0, 4)
        yield from wrapped(f'"{arm.sentence}"', page.width, 4)
        dose = arm.treatment.dose
        yield from wrapped(f"dose {dose.value:,f} {dose.unit}{'/kg' if dose.per_kg else ''}", page.width, 4, 4)
        for name in arm.treatment.readings:
            yield from _reading(name, arm.id, trial, shown, page)


def _criterion(criterion: Criterion, trial: Trial, shown: dict[str, str], page: Page) -> Iterator[str]:
    yield ""
    yield from wrapped(f"{criterion.title} ({criterion.id})", page.width, 0, 4)
    yield from wrapped(f'"{criterion.sentence}"', page.width, 4)
    for part in parts_of(criterion.holds):
        yield from wrapped(_meaning(part), page.width, 4, 4)
    for name in readings_of(criterion, trial):
        yield from _reading(name, criterion.id, trial, shown, page)


def _meaning(predicate: Predicate) -> str:
    """The settings of one predicate as they stand in criteria.yaml."""
    if not isinstance(predicate, msgspec.Struct):
        return "any of:" if isinstance(predicate, AnyOf) else "all of:"
    settings = cast(dict[str, object], msgspec.to_builtins(predicate))
    told = (
        f"{key}: {_plain(value)}"
        for key, value in settings.items()
        if key not in _UNTOLD and value not in (None, (), False)
    )
    return "asks " + "; ".join(told)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        if "before" in value:
            return _window(value)
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items() if one is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return "yes" if value is True else str(value)


def _window(within: dict[str, object]) -> str:
    """`24 weeks before screening`, `reading proteinuria-days in days before as-of`."""
    days, weeks = within.get("days"), within.get("weeks")
    length = f"{weeks} weeks" if weeks is not None else f"{_plain(days)} days"
    return f"{length} before {within['before']}"


def _reading(name: str, where: str, trial: Trial, shown: dict[str, str], page: Page) -> Iterator[str]:
    """A reading in full where it comes first, its option in force wherever it comes again."""
    entry = next(entry for entry in trial.entries if entry.id == name)
    if name in shown:
        yield from wrapped(f"reading {name}: {trial.readings[name]} (see {shown[name]})", page.width, 4, 4)
        return
    shown[name] = where
    yield from _in_full(entry, trial, page)


def _in_full(entry: ReadingEntry, trial: Trial, page: Page) -> Iterator[str]:
    in_force = str(trial.readings.get(entry.id, ""))
    signed = f"signed by {entry.decided_by} on {entry.decided_on}" if entry.decided_by else "unsigned"
    yield from wrapped(f"reading {entry.id} ({signed}): {entry.question}", page.width, 4, 4)
    for option, meaning in entry.options.items():
        if option != in_force:
            yield from wrapped(f"{page.mark('item')} {option}: {meaning}", page.width, 8, 2)
        else:
            yield from wrapped(f"{page.mark('favour')} {option}: {meaning} (in force)", page.width, 8, 2)
    if in_force and in_force not in entry.options:
        yield from wrapped(f"{page.mark('favour')} {in_force} (in force)", page.width, 8, 2)


def _attestation(trial: Trial, page: Page) -> Iterator[str]:
    """What holds for every criterion."""
    entry = next((e for e in trial.entries if e.id == getattr(trial.attestation_days, "reading", None)), None)
    title = "Every criterion"
    yield from ("", title, "-" * len(title))
    yield ""
    yield from wrapped("A clinician's attestation decides what the record leaves open.", page.width)
    if entry:
        yield from _in_full(entry, trial, page)
