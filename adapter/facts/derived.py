"""Facts that two results of one specimen make together: protein over creatinine, and protein times volume."""

from collections.abc import Callable, Iterable, Iterator

from adapter.facts.model import Fact, Reason, Result, Source
from adapter.fhir.quantities import Number
from adapter.fhir.terminology import Grade

RATIO = "urine-protein-creatinine-ratio"
DAILY = "urine-protein-24h"


def derived_facts(named: Callable[[str], Iterable[Fact]]) -> Iterator[Fact]:
    """A UPCR for each specimen with urine protein and urine creatinine; a 24 h protein where concentration and
    volume are given.
    """
    yield from _paired(named("urine-protein-spot"), named("urine-creatinine-spot"), RATIO, "g/g", _ratio, "/")
    yield from _paired(named("urine-protein-24h-concentration"), named("urine-volume-24h"), DAILY, "g/d", _product, "x")


def _ratio(protein: Number, creatinine: Number) -> Number | None:
    return protein.over(creatinine)


def _product(concentration: Number, volume: Number) -> Number | None:
    litres = volume.exact()
    return concentration.scaled(litres) if litres is not None and litres > 0 else None


def _paired(
    ones: Iterable[Fact],
    others: Iterable[Fact],
    name: str,
    unit: str,
    combine: Callable[[Number, Number], Number | None],
    sign: str,
) -> Iterator[Fact]:
    partners = [other for other in others if other.grade is Grade.COUNTS]
    for one in ones:
        for other in partners if one.grade is Grade.COUNTS else ():
            if _of_one_specimen(one, other) and (fact := _combined(one, other, name, unit, combine, sign)):
                yield fact


def _of_one_specimen(one: Fact, other: Fact) -> bool:
    """The same specimen, or the same date and time where not both name one."""
    if one.specimen and other.specimen:
        return one.specimen == other.specimen
    return one.moment == other.moment


def _combined(
    one: Fact,
    other: Fact,
    name: str,
    unit: str,
    combine: Callable[[Number, Number], Number | None],
    sign: str,
) -> Fact | None:
    if one.result is None or other.result is None:
        return None
    if one.result.number is None or other.result.number is None:
        problem = one.result.problem or other.result.problem or Reason.NEEDS_JUDGEMENT
        result = Result(problem=problem)
    else:
        number = combine(one.result.number, other.result.number)
        formula = (
            f"{one.source.reference} ({one.source.written}) {sign} {other.source.reference} ({other.source.written})"
        )
        result = Result(number, unit, formula=formula, problem=None if number else Reason.NEEDS_JUDGEMENT)
    source = Source(one.source.reference, one.source.version, one.source.path, one.source.written)
    doubt = one.doubt or other.doubt
    return Fact(
        name,
        "Observation",
        Grade.COUNTS,
        one.when,
        one.label,
        source,
        doubt,
        result,
        specimen=one.specimen,
        moment=one.moment,
    )
