"""value[x] of an Observation or component -> Result: a number in the canonical unit, a sign, or why neither can be
had.
"""

from fractions import Fraction

from adapter.facts.model import Reason, Result, Sign
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.concepts import label
from adapter.fhir.elements import CodeableConcept, Measured, Observation, Quantity, ReferenceRange
from adapter.fhir.quantities import Number, conversion, exact, normal_unit, number_of, plain, split_text, written
from adapter.fhir.terminology import FactSpec

_SIGNS = (
    (Sign.POSITIVE, "result-positive"),
    (Sign.NEGATIVE, "result-negative"),
    (Sign.INDETERMINATE, "result-indeterminate"),
    (Sign.POSITIVE, "status-pregnant"),
    (Sign.NEGATIVE, "status-not-pregnant"),
    (Sign.POSITIVE, "status-lactating"),
    (Sign.NEGATIVE, "status-not-lactating"),
)
_ABOVE = {"H", "HH", "HU", "HX", ">"}
_BELOW = {"L", "LL", "LU", "LX", "<"}
_SIDES = ((1, _ABOVE), (-1, _BELOW), (0, {"N"}))

Valued = Observation | Measured


def has_value(valued: Valued) -> bool:
    """Whether there is any result at all: a value[x], or an interpretation that stands for one."""
    if valued.value_quantity is not None and valued.value_quantity.value is not None:
        return True
    return any(
        value is not None
        for value in (
            valued.value_codeable_concept,
            valued.value_string,
            valued.value_boolean,
            valued.value_integer,
            valued.value_range,
            valued.value_ratio,
        )
    ) or (valued.data_absent_reason is None and bool(valued.interpretation))


def value_path(valued: Valued) -> tuple[str, str]:
    """The element that holds the result, and the text as it stood there."""
    if valued.value_quantity is not None:
        return "valueQuantity", written(valued.value_quantity)
    if valued.value_codeable_concept is not None:
        concept = valued.value_codeable_concept
        return "valueCodeableConcept", label(concept)
    if valued.value_string is not None:
        return "valueString", valued.value_string
    if valued.value_boolean is not None:
        return "valueBoolean", str(valued.value_boolean).lower()
    if valued.value_integer is not None:
        return "valueInteger", str(valued.value_integer)
    if valued.value_range is not None:
        ends = (valued.value_range.low, valued.value_range.high)
        return "valueRange", " to ".join(written(end) for end in ends if end)
    if valued.value_ratio is not None:
        parts = (valued.value_ratio.numerator, valued.value_ratio.denominator)
        return "valueRatio", " : ".join(written(part) for part in parts if part)
    return "interpretation", ", ".join(sorted(_flags(valued)))


def result_of(valued: Valued, spec: FactSpec, vocabulary: Vocabulary) -> Result:
    """The result as this fact needs it: converted where the fact has a canonical unit, else read as a sign or
    number.
    """
    range_ = _against_range(valued)
    sign = _sign(valued, vocabulary)
    if isinstance(sign, Reason):
        return Result(range_=range_, problem=sign)
    convertible = spec.unit is not None and spec.unit in vocabulary.units
    number = _number(valued, spec.unit if convertible else None, vocabulary)
    if number is Reason.UNIT_UNRESOLVED and spec.any_unit and valued.value_string is None:
        number = _above_none(valued, vocabulary)
    if isinstance(number, Result):
        return Result(number.number, number.unit, sign, range_, formula=number.formula)
    told = not convertible and (sign is not None or range_ is not None)
    problem = None if told else number or Reason.NEEDS_JUDGEMENT
    return Result(sign=sign, range_=range_, problem=problem, truth=valued.value_boolean)


def plain_result(valued: Valued) -> Result:
    """The value of an own code (instrument total, item, attestation): a bare number or a boolean."""
    if valued.value_boolean is not None:
        return Result(truth=valued.value_boolean)
    if valued.value_integer is not None:
        return Result(number=Number(Fraction(valued.value_integer), Fraction(valued.value_integer)))
    quantity = valued.value_quantity
    if quantity is not None and quantity.value is not None:
        return Result(number=number_of(quantity.value, quantity.comparator), problem=None)
    parts = split_text(valued.value_string) if valued.value_string else None
    if parts and not parts[2]:
        return Result(number=number_of(parts[0], parts[1]))
    digits = any(character.isdigit() for character in valued.value_string or "")
    return Result(problem=Reason.UNIT_UNRESOLVED if digits else Reason.NEEDS_JUDGEMENT)


def _number(valued: Valued, unit: str | None, vocabulary: Vocabulary) -> Result | Reason | None:
    """A number in the canonical unit; a Reason why there is none; None where the value is no number at all."""
    if valued.value_quantity is not None:
        return _quantity(valued.value_quantity, unit, vocabulary)
    if valued.value_integer is not None:
        exact = Fraction(valued.value_integer)
        return Reason.UNIT_UNRESOLVED if unit else Result(Number(exact, exact))
    if valued.value_range is not None:
        return _ends(valued.value_range.low, valued.value_range.high, unit, vocabulary)
    if valued.value_ratio is not None:
        return _ratio(valued.value_ratio.numerator, valued.value_ratio.denominator, unit, vocabulary)
    text = valued.value_string
    if text is None and valued.value_codeable_concept is not None:
        text = value_path(valued)[1]
    return _text(text, unit, vocabulary) if text is not None else None


def _above_none(valued: Valued, vocabulary: Vocabulary) -> Result | Reason | None:
    """A number that is compared with zero only: zero in every unit but a logarithmic one, where 0 is one copy."""
    found = _number(valued, None, vocabulary)
    if isinstance(found, Result) and found.number and "log" in found.unit.lower():
        return found if found.number.above(Fraction(0)) else Reason.UNIT_UNRESOLVED
    return found


def _quantity(quantity: Quantity, unit: str | None, vocabulary: Vocabulary) -> Result | Reason | None:
    if quantity.value is None:
        return None
    number = number_of(quantity.value, quantity.comparator)
    if number is None:
        return Reason.NEEDS_JUDGEMENT
    if unit is None:
        return Result(number, quantity.unit or quantity.code or "")
    found = conversion(quantity, unit, vocabulary.units)
    if found is None:
        return Reason.UNIT_UNRESOLVED
    used = quantity.code or quantity.unit or ""
    formula = found.formula or (f"{used} x {plain(found.factor)} = {unit}" if found.factor != 1 else None)
    return Result(number.scaled(found.factor), unit, formula=formula)


def _ends(
    low: Quantity | None, high: Quantity | None, unit: str | None, vocabulary: Vocabulary
) -> Result | Reason | None:
    """A range allows everything between its ends."""
    ends = [_quantity(end, unit, vocabulary) if end else None for end in (low, high)]
    if any(isinstance(end, Reason) for end in ends):
        return next(end for end in ends if isinstance(end, Reason))
    numbers = [end.number.exact() if isinstance(end, Result) and end.number else None for end in ends]
    known = next((end for end in ends if isinstance(end, Result)), None)
    return Result(Number(numbers[0], numbers[1]), unit or "", formula=known.formula) if known else None


def _ratio(
    over: Quantity | None, under: Quantity | None, unit: str | None, vocabulary: Vocabulary
) -> Result | Reason | None:
    """`1200 mg : 1 g` is read as 1200 mg/g."""
    if over is None or under is None or over.value is None or not under.value:
        return Reason.UNIT_UNRESOLVED if unit else None
    spelling = f"{over.unit or over.code or ''}/{under.unit or under.code or ''}"
    quotient = Quantity(value=over.value, comparator=over.comparator, unit=spelling)
    found = _quantity(quotient, unit, vocabulary)
    if isinstance(found, Result) and found.number:
        return Result(found.number.scaled(1 / Fraction(under.value)), found.unit, formula=found.formula)
    return found


def _text(text: str, unit: str | None, vocabulary: Vocabulary) -> Result | Reason:
    """A text counts as a number only where it is exactly number and known unit."""
    parts = split_text(text)
    if parts:
        value, comparator, spelling = parts
        if comparator is None and (normal_unit(spelling) in vocabulary.units[unit] if unit else not spelling):
            found = _quantity(Quantity(value=value, unit=spelling), unit, vocabulary)
            if isinstance(found, Result):
                return found
    if any(character.isdigit() for character in text):
        return Reason.UNIT_UNRESOLVED
    return Reason.NEEDS_JUDGEMENT


def _sign(valued: Valued, vocabulary: Vocabulary) -> Sign | Reason | None:
    """What the laboratory said in words or codes; a value and an interpretation that contradict each other are a
    conflict.
    """
    said = [valued.value_codeable_concept]
    if valued.value_string is not None:
        said.append(CodeableConcept(text=valued.value_string))
    signs = {sign for concept in (*said, *(valued.interpretation or ())) if (sign := sign_of(concept, vocabulary))}
    if valued.value_boolean is not None:
        signs.add(Sign.POSITIVE if valued.value_boolean else Sign.NEGATIVE)
    if len(signs) > 1:
        return Reason.CONFLICT
    return next(iter(signs), None)


def sign_of(concept: CodeableConcept | None, vocabulary: Vocabulary) -> Sign | None:
    """Positive, negative or indeterminate, where the shipped tables say so."""
    if concept is None:
        return None
    return next((sign for sign, name in _SIGNS if vocabulary.terminology.member(name, concept)), None)


def _flags(valued: Valued) -> set[str]:
    found = {
        coding.code.strip().upper() for i in valued.interpretation or () for coding in i.coding or () if coding.code
    }
    return found | {i.text.strip().upper() for i in valued.interpretation or () if i.text and not i.coding}


def abnormal_flag(valued: Valued) -> bool:
    """Interpretation A or AA: outside the laboratory's range, the side is not told."""
    return bool(_flags(valued) & {"A", "AA"})


def _against_range(valued: Valued) -> int | None:
    """-1, 0 or 1: below, within or above the laboratory's own range, by its interpretation or its reference range."""
    flags = _flags(valued) if valued.interpretation else set()
    for side, codes in _SIDES if flags else ():
        if flags & codes:
            return side
    quantity = valued.value_quantity
    if quantity is None or quantity.value is None:
        return None
    number = number_of(quantity.value, quantity.comparator)
    sides = {_side(number, quantity, row) for row in valued.reference_range or () if number and _is_normal(row)}
    return next(iter(sides)) if len(sides) == 1 else None


def _is_normal(row: ReferenceRange) -> bool:
    codes = {coding.code for coding in row.type.coding or ()} if row.type else set()
    return not codes or "normal" in codes


def _side(number: Number, quantity: Quantity, row: ReferenceRange) -> int | None:
    """Which side of one reference range; None where the units differ or a comparator leaves open whether it is
    above.
    """
    low, high = (_same_unit(end, quantity) for end in (row.low, row.high))
    above = number.above(high) if high is not None else False
    below = number.below(low) if low is not None else False
    if above is None or (high is None and not below):
        return None
    return 1 if above else -1 if below else 0


def _same_unit(end: Quantity | None, quantity: Quantity) -> Fraction | None:
    if end is None or end.value is None:
        return None
    units = {normal_unit(text) for text in (end.unit, end.code) if text}
    own = {normal_unit(text) for text in (quantity.unit, quantity.code) if text}
    return exact(end.value) if not units or units & own else None
