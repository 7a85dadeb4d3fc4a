"""`mappings check`: what is wrong with the tables and trials, each fault as `file: what, and what to do`."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, cast

from adapter.assignment.arms import load_arms
from adapter.eligibility.trial import load_trial_folder
from adapter.errors import AdapterError, UsageError
from adapter.fhir.files import data_dir, load_yaml
from adapter.fhir.schemas import schema_faults, trial_faults
from adapter.fhir.systems import BASE, FREQUENCY, INGREDIENTS, TEXT
from adapter.fhir.tables import load_systems, load_tables
from adapter.report.check_digits import fault_of
from adapter.report.mapping_files import (
    ConceptMapFile,
    MappingFiles,
    ValueSetFile,
    code_lists,
    filter_fault,
    holder,
    tried,
)
from adapter.report.text import number

USED_BY_NAME = (
    "result-", "status-", "route-", "severity-", "surgical-level-",
)  # fmt: skip
"""Value sets of answers, routes and levels: named in the program, not in facts.yaml."""

T = TypeVar("T")
_PROVES = ("counts", "broad")
_SPEAKS_AGAINST = ("never", "exempt", "review")


def check_all(trial: str | None, root: Path | None = None) -> tuple[list[str], list[str]]:
    """The faults of the tables and of one trial (None: of every trial), and what was found in order."""
    root = root or data_dir() / "mappings"
    try:
        files = _read(root)
    except AdapterError as error:
        return [_relative(str(error), root)], []
    trials = (
        [path.parent for path in sorted((root / "trials").glob("*/criteria.yaml"))] if trial is None else [Path(trial)]
    )
    folders = [folder if folder.is_dir() else root / "trials" / folder.name for folder in trials]
    for folder in folders:
        if not (folder / "criteria.yaml").is_file():
            raise UsageError(f"no trial {trial!r}; write the id of a shipped trial, or the path of a trial folder")
    faults = [*files.faults, *_tables_faults(files)]
    for folder in folders:
        faults += trial_faults(folder)
    if not faults:
        faults += _loading_faults(folders, root)
    return [_relative(fault, root) for fault in faults], _counted(files, folders)


def _relative(fault: str, root: Path) -> str:
    return fault.replace(f"{root.parent}/", "")


def _read(root: Path) -> MappingFiles:
    faults: list[str] = []
    sets = _all(root / "valuesets", ValueSetFile, faults)
    maps = _all(root / "conceptmaps", ConceptMapFile, faults)
    faults += schema_faults(root / "facts.yaml", "facts")
    facts = cast(dict[str, dict[str, list[str]]], load_yaml(root / "facts.yaml")[0])
    return MappingFiles(
        root, sets, maps, facts if not faults else {}, load_systems(root / "systems.yaml"), tuple(faults)
    )


def _all(folder: Path, shape: type[T], faults: list[str]) -> dict[Path, T]:
    tried_ = ((path, tried(path, shape, faults)) for path in sorted(folder.glob("*.json")))
    return {path: found for path, found in tried_ if found is not None}


def _tables_faults(files: MappingFiles) -> Iterator[str]:
    checks: tuple[Callable[[MappingFiles], Iterable[str]], ...] = (
        _set_faults, _code_faults, _map_faults, _unit_faults,
        _contradictions, _unused_sets, _unplaced_texts, _idle_patterns,
    )  # fmt: skip
    for check in checks:
        yield from check(files)


def _set_faults(files: MappingFiles) -> Iterator[str]:
    """Names, emptiness, displays, patterns."""
    for path, one in files.sets.items():
        name = files.short(path)
        if one.id != path.stem or one.url != f"{BASE}/ValueSet/{one.id}":
            yield f"{name}: id and url are not those of the file; write {path.stem} and {BASE}/ValueSet/{path.stem}"
        if not any(include.concept or include.filter for include in one.compose.include):
            yield f"{name}: the value set is empty; add a concept or a filter, or remove the file"
        for include in one.compose.include:
            if include.system not in files.systems.canonical.values() and not include.system.startswith(BASE):
                yield f"{name}: the system {include.system} is not in systems.yaml; add it, or write its canonical URI"
            twice = [code for code, times in Counter(c.code for c in include.concept).items() if times > 1]
            yield from (f"{name}: {code} is listed twice; remove one" for code in twice)
            yield from (
                f"{name}: {c.code} has no display; give it a short name" for c in include.concept if not c.display
            )
            yield from (fault for row in include.filter if (fault := filter_fault(name, row)))


def _code_faults(files: MappingFiles) -> Iterator[str]:
    """Shapes and check digits."""
    for path, one in files.sets.items():
        for include in one.compose.include:
            for concept in include.concept:
                if fault := fault_of(include.system, concept.code):
                    yield f"{files.short(path)}: {include.system}|{concept.code}: {fault}; look it up again"


def _map_faults(files: MappingFiles) -> Iterator[str]:
    for path, one in files.maps.items():
        for group in one.group:
            for element in group.element:
                if not element.target:
                    yield f"{files.short(path)}: {element.code!r} has no target; add one, or remove it"
                for system, code in ((group.source, element.code), *((group.target, t.code) for t in element.target)):
                    if system != TEXT and (fault := fault_of(system, code)):
                        yield f"{files.short(path)}: {system}|{code}: {fault}; look it up again"


def _unit_faults(files: MappingFiles) -> Iterator[str]:
    path = files.root / "units.yaml"
    document, lines = load_yaml(path)
    units = cast(dict[str, dict[str, dict[str, str]]], document)
    for canonical, spellings in units.items():
        for spelling, unit in spellings.items():
            try:
                sound = Fraction(str(unit.get("factor"))) > 0
            except (ValueError, ZeroDivisionError):
                sound = False
            if not sound:
                yield f'{path}:{lines[(canonical, spelling)]}: {spelling}: the factor is not above 0; write "1/1000"'


def _contradictions(files: MappingFiles) -> Iterator[str]:
    """One code that one fact lists both as proof and as something else."""
    listed = {
        one.id: {(i.system, c.code) for i in one.compose.include for c in i.concept} for one in files.sets.values()
    }
    for name, fact in files.facts.items():
        for proof in (set_id for grade in _PROVES for set_id in fact.get(grade, ())):
            for other in (set_id for grade in _SPEAKS_AGAINST for set_id in fact.get(grade, ())):
                for system, code in sorted(listed.get(proof, set()) & listed.get(other, set())):
                    yield f"mappings/facts.yaml: {name}: {system}|{code} is in {proof} and {other}; remove it from one"


def _unused_sets(files: MappingFiles) -> Iterator[str]:
    known = {one.id for one in files.sets.values()}
    grades = ("counts", "broad", "review", "listed", "exempt", "never")
    used = {set_id for fact in files.facts.values() for grade in grades for set_id in fact.get(grade, ())}
    used |= {set_id for fact in files.facts.values() for pair in fact.get("together", ()) for set_id in pair}
    for set_id in sorted(used - known):
        yield f"mappings/facts.yaml: no value set is called {set_id!r}; add valuesets/{set_id}.json or correct it"
    for set_id in sorted(known - used) if files.facts else ():
        if not set_id.startswith(USED_BY_NAME):
            yield f"mappings/valuesets/{set_id}.json: no fact uses it; name it in facts.yaml, or remove the file"


def _unplaced_texts(files: MappingFiles) -> Iterator[str]:
    """A text or local code whose target no value set holds would place a concept that then says nothing."""
    holds = holder(files)
    for path, one in files.maps.items():
        for group in one.group:
            if group.target in (INGREDIENTS, FREQUENCY):
                continue
            for element in group.element:
                codes = [(group.target, target.code) for target in element.target]
                if codes and not any(holds(code) for code in codes):
                    told = ", ".join(code for _, code in codes)
                    yield f"{files.short(path)}: {element.code!r} means {told}, which no value set holds; correct it"


def _idle_patterns(files: MappingFiles) -> Iterator[str]:
    """A pattern, or one of its alternatives, that matches none of the codes that are listed anywhere is mistyped."""
    codes = code_lists(files)
    for path, one in files.sets.items():
        for include in one.compose.include:
            for row in include.filter:
                if filter_fault("", row):
                    continue
                for part in alternatives(row.value):
                    if not any(re.fullmatch(part, code) for code in codes.get(include.system, ())):
                        yield (
                            f"{files.short(path)}: {part!r} matches no code of {include.system} that is known;"
                            " correct it, or add a real code to mappings/check/"
                        )


def alternatives(pattern: str) -> list[str]:
    """`a|b(c|d)` as `a` and `b(c|d)`."""
    parts, depth, inside = [""], 0, False
    for token in re.findall(r"\\.|.", pattern, re.DOTALL):
        if not inside:
            depth += {"(": 1, ")": -1}.get(token, 0)
            if token == "|" and depth == 0:
                parts.append("")
                continue
        inside = token == "[" or (inside and token != "]")
        parts[-1] += token
    return parts


def _loading_faults(folders: Iterable[Path], root: Path) -> Iterator[str]:
    """What only shows when everything is put together: names of facts, readings and instruments, sentences."""
    try:
        tables = load_tables(root)
    except AdapterError as error:
        yield str(error)
        return
    for folder in folders:
        try:
            trial = load_trial_folder(folder, tables)
            if (folder / "arms").is_dir():
                load_arms(trial)
        except AdapterError as error:
            yield str(error)


def _counted(files: MappingFiles, folders: list[Path]) -> list[str]:
    codes = sum(len(i.concept) for one in files.sets.values() for i in one.compose.include)
    patterns = sum(len(i.filter) for one in files.sets.values() for i in one.compose.include)
    texts = sum(len(group.element) for one in files.maps.values() for group in one.group)
    rows = (
        (len(files.facts), "fact", ""),
        (len(files.sets), "value set", ""),
        (codes, "code", ""),
        (patterns, "pattern", ""),
        (len(files.maps), "concept map", ""),
        (texts, "text or local code", "texts and local codes"),
        (len(folders), "trial", ""),
    )
    return [f"ok: {', '.join(number(count, noun, plural) for count, noun, plural in rows)}"]
