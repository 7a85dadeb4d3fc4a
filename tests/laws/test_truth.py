"""Kleene's logic: the laws that `and`, `or`, `not` and `at least n of` keep, wherever the program uses them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, permutations, product
from operator import and_, or_

import pytest

from adapter.eligibility.finding import Finding
from adapter.eligibility.predicates.base import Predicate
from adapter.eligibility.predicates.logic import AllOf, AnyOf, conjunction
from adapter.eligibility.screening import Verdict, status_of
from adapter.eligibility.trial import Criterion
from adapter.eligibility.truth import Truth, at_least
from adapter.facts.model import RANK, Reason
from tests.laws.records import screening

Y, U, N = Truth.YES, Truth.UNKNOWN, Truth.NO
ALL = (Y, U, N)
PAIRS = list(product(ALL, repeat=2))
TRIPLES = list(product(ALL, repeat=3))
AND = {(Y, Y): Y, (Y, U): U, (Y, N): N, (U, Y): U, (U, U): U, (U, N): N, (N, Y): N, (N, U): N, (N, N): N}
OR = {(Y, Y): Y, (Y, U): Y, (Y, N): Y, (U, Y): Y, (U, U): U, (U, N): U, (N, Y): Y, (N, U): U, (N, N): N}


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_and_or_are_the_tables(pair: tuple[Truth, Truth]) -> None:
    one, other = pair
    assert (one & other, one | other) == (AND[pair], OR[pair])


def test_not_swaps_yes_and_no_and_leaves_unknown() -> None:
    assert [~one for one in ALL] == [N, U, Y]
    assert all(~~one is one for one in ALL)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_de_morgan_absorption_and_order(pair: tuple[Truth, Truth]) -> None:
    one, other = pair
    assert ~(one & other) is ~one | ~other
    assert ~(one | other) is ~one & ~other
    assert one & (one | other) is one
    assert one | (one & other) is one
    assert one & other is other & one
    assert one | other is other | one


@pytest.mark.parametrize("triple", TRIPLES, ids=str)
def test_association_and_distribution(triple: tuple[Truth, Truth, Truth]) -> None:
    a, b, c = triple
    assert (a & b) & c is a & (b & c)
    assert (a | b) | c is a | (b | c)
    assert a & (b | c) is (a & b) | (a & c)
    assert a | (b & c) is (a | b) & (a | c)


def test_the_middle_is_not_excluded() -> None:
    assert U | ~U is U
    assert U & ~U is U


def refinements(truths: Iterable[Truth]) -> list[tuple[Truth, ...]]:
    """What the truths may still become, once every UNKNOWN is decided."""
    return list(product(*[(Y, N) if truth is U else (truth,) for truth in truths]))


FUNCTIONS: dict[str, Callable[[tuple[Truth, ...]], Truth]] = {
    "and": lambda told: reduce(and_, told),
    "or": lambda told: reduce(or_, told),
    **{f"at least {n}": (lambda told, n=n: at_least(n, told)) for n in range(1, 5)},
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_decided_answer_survives_every_completion_and_an_open_one_has_both(name: str) -> None:
    answer = FUNCTIONS[name]
    for told in product(ALL, repeat=4):
        became = {answer(one) for one in refinements(told)}
        assert answer(told) is (became.pop() if len(became) == 1 else U)


def test_at_least_is_the_or_of_all_ands_of_so_many() -> None:
    for told in product(ALL, repeat=4):
        for count in range(1, 5):
            ands = [reduce(and_, chosen) for chosen in combinations(told, count)]
            assert at_least(count, told) is reduce(or_, ands)


def test_at_least_does_not_depend_on_the_order() -> None:
    for told in product(ALL, repeat=4):
        assert len({at_least(2, one) for one in permutations(told)}) == 1


def test_at_least_reads_any_iterable_once() -> None:
    assert at_least(2, iter([Y, U, Y])) is Y
    assert at_least(1, iter([])) is N
    assert at_least(0, iter([])) is Y


@pytest.mark.parametrize("truth", ALL, ids=str)
@pytest.mark.parametrize(
    "use",
    [
        bool,
        lambda truth: not truth,
        lambda truth: truth and True,
        lambda truth: truth or True,
        lambda truth: 1 if truth else 0,
        lambda truth: any([truth]),
        lambda truth: all([truth]),
        lambda truth: list(filter(None, [truth])),
    ],
    ids=["bool", "not", "and", "or", "if", "any", "all", "filter"],
)
def test_a_truth_is_no_condition(truth: Truth, use: Callable[[Truth], object]) -> None:
    with pytest.raises(TypeError, match="three values"):
        use(truth)


@dataclass(frozen=True)
class Told:
    """A predicate that answers what it was made with."""

    finding: Finding

    def find(self, context: object) -> Finding:
        return self.finding


def told(truth: Truth, number: int = 0) -> Finding:
    reason = Reason.NO_DATA.value if truth is U else f"reason-{number}"
    return Finding(truth=truth, reason=reason, explanation=f"{number}.", silent=truth is N and number % 2 == 0)


def trees(truths: tuple[Truth, ...]) -> tuple[Predicate, ...]:
    return tuple(Told(told(truth, number)) for number, truth in enumerate(truths))


@pytest.mark.parametrize("triple", TRIPLES, ids=str)
def test_any_and_all_of_the_criteria_are_kleenes(triple: tuple[Truth, Truth, Truth]) -> None:
    context = object()
    assert AnyOf(trees(triple)).find(context).truth is reduce(or_, triple)  # type: ignore[arg-type]
    assert AllOf(trees(triple)).find(context).truth is reduce(and_, triple)  # type: ignore[arg-type]
    assert conjunction(tuple(map(told, triple))).truth is reduce(and_, triple)


@pytest.mark.parametrize("pair", list(product(Reason, repeat=2)), ids=lambda pair: "+".join(pair))
def test_of_two_open_reasons_the_foremost_speaks_in_either_order(pair: tuple[Reason, Reason]) -> None:
    first = min(pair, key=RANK.__getitem__)
    children = tuple(Finding(truth=U, reason=reason.value, explanation=reason.value) for reason in pair)
    for ordered in (children, children[::-1]):
        assert conjunction(ordered).reason == first.value
        assert AnyOf(tuple(map(Told, ordered))).find(object()).reason == first.value  # type: ignore[arg-type]


def test_the_reasons_are_the_closed_list_in_its_order() -> None:
    told = ", ".join(reason.value for reason in sorted(Reason, key=RANK.__getitem__))
    assert told == (
        "conflict, unit-unresolved, partial-date, undated, needs-judgement, ordered-only, unmapped-code, stale, "
        "not-covered, no-data"
    )


def test_the_status_is_kleenes_and_of_inclusions_and_denied_exclusions() -> None:
    holds = screening([]).criteria[0].criterion.holds
    inclusion, other = (Criterion(f"i{n}", "inclusion", "", "", holds) for n in (1, 2))
    exclusion = Criterion("e", "exclusion", "", "", holds)
    names = {Y: "eligible", U: "undetermined", N: "ineligible"}
    for one, two, three in TRIPLES:
        verdicts = (
            Verdict(inclusion, told(one), ()),
            Verdict(other, told(two), ()),
            Verdict(exclusion, told(three), ()),
        )
        assert status_of(verdicts) == names[one & two & ~three]
