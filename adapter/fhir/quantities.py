"""Quantities, exactly: a whitelist of unit spellings, rational factors, and comparators kept as sets of values.

UCUM strings and laboratory spellings come from `mappings/units.yaml`; a unit that is not there is never guessed.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction
from functools import lru_cache

import msgspec

from adapter.fhir.elements import Quantity
from adapter.fhir.systems import UCUM

_NUMBER_AND_UNIT = re.compile(r"([<>]=?|[≤≥])?\s*(-?\d+(?:\.\d+)?)\s*(\S.*)?\Z")
_COMPARATORS = {"≤": "<=", "≥": ">="}


class Conversion(msgspec.Struct, frozen=True, gc=False):
    """How a spelling becomes the canonical unit: multiply by `factor`; `formula` where more than a prefix is used."""

    factor: Fraction
    formula: str | None = None
    only: str | None = None


Units = Mapping[str, Mapping[str, Conversion]]
"""canonical unit -> spelling -> conversion"""


class Number(msgspec.Struct, frozen=True, gc=False):
    """All values that a result allows, in the canonical unit: one number, or a side left open by a comparator."""

    low: Fraction | None
    high: Fraction | None
    low_open: bool = False
    high_open: bool = False

    def above(self, bound: Fraction) -> bool | None:
        """Whether it lies strictly above the bound; None where the allowed values lie on both sides."""
        if self.low is not None and (self.low > bound or (self.low_open and self.low == bound)):
            return True
        return False if self.high is not None and self.high <= bound else None

    def below(self, bound: Fraction) -> bool | None:
        """Whether it lies strictly below the bound; None where the allowed values lie on both sides."""
        if self.high is not None and (self.high < bound or (self.high_open and self.high == bound)):
            return True
        return False if self.low is not None and self.low >= bound else None

    def exact(self) -> Fraction | None:
        """The number, None where a comparator leaves it open."""
        return self.low if self.low is not None and self.low == self.high else None

    def scaled(self, factor: Fraction) -> "Number":
        """Multiplied by a positive factor."""
        if factor == 1:
            return self
        low = None if self.low is None else self.low * factor
        high = low if self.high is self.low else None if self.high is None else self.high * factor
        return Number(low, high, self.low_open, self.high_open)

    def over(self, other: "Number") -> "Number | None":
        """Divided by a positive number; a divisor below 100 leaves the quotient open above. None where nothing is
        known.
        """
        low = self.low / other.high if self.low is not None and other.high else None
        high = self.high / other.low if self.high is not None and other.low else None
        if (low is None and high is None) or (low is not None and low < 0):
            return None
        return Number(low, high, self.low_open or other.high_open, self.high_open or other.low_open)

    def text(self) -> str:
        """As a person would write it: `1.2`, `< 0.5`, `1 to 2`; rounded to six figures for display only."""
        if self.low is not None and self.low == self.high:
            return plain(self.low)
        if self.low is None:
            return f"{'<' if self.high_open else '<='} {plain(self.high)}" if self.high is not None else "any"
        if self.high is None:
            return f"{'>' if self.low_open else '>='} {plain(self.low)}"
        return f"{plain(self.low)} to {plain(self.high)}"


def exact_decimal(value: Fraction) -> Decimal | None:
    """A fraction as the decimal that equals it, without trailing zeros; None where there is none of 60 digits."""
    with localcontext() as exactly:
        exactly.prec, exactly.traps[Inexact] = 60, True
        try:
            exact = (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
        except Inexact:
            return None
    return exact if exact != exact.to_integral_value() else Decimal(int(exact))


def plain(value: Fraction | Decimal) -> str:
    """A number as plain decimal text with at most six significant figures after rounding."""
    return f"{value:f}" if isinstance(value, Decimal) else _rounded(value)


@lru_cache(maxsize=8192)
def _rounded(value: Fraction) -> str:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    rounded = exact if abs(exact.as_tuple().exponent) <= 6 else Decimal(f"{exact:.6g}")  # type: ignore[arg-type]
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=8192)
def exact(value: Decimal) -> Fraction:
    """The same number; kept, since fractions are slow to make and bounds come again and again."""
    return Fraction(value)


@lru_cache(maxsize=8192)
def normal_unit(text: str) -> str:
    """NFKC, outer blanks trimmed, inner blanks removed; the case is kept, as UCUM is case-sensitive."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def number_of(value: Decimal, comparator: str | None) -> Number | None:
    """The values that a number with a FHIR comparator allows; None for a comparator that R4 does not know."""
    bound = exact(value)
    match comparator:
        case None | "":
            return Number(bound, bound)
        case "<" | "<=":
            return Number(None, bound, high_open=comparator == "<")
        case ">" | ">=":
            return Number(bound, None, low_open=comparator == ">")
    return None


def conversion(quantity: Quantity, canonical: str, units: Units) -> Conversion | None:
    """The conversion of a Quantity's unit; its UCUM code and its printed unit must not contradict each other."""
    table = units[canonical]
    coded = table.get(normal_unit(quantity.code)) if quantity.code and quantity.system in (None, "", UCUM) else None
    printed = table.get(normal_unit(quantity.unit)) if quantity.unit else None
    if coded and printed and coded.factor != printed.factor:
        return None
    if quantity.code and quantity.system == UCUM and not coded and quantity.code != quantity.unit:
        return None if _contradicts(quantity.code) else printed
    return coded or printed


def _contradicts(code: str) -> bool:
    """A UCUM code that is a unit of another kind speaks against the printed unit; an empty or `1` code says nothing."""
    return normal_unit(code) not in ("", "1")


def split_text(text: str) -> tuple[Decimal, str | None, str] | None:
    """`<0.5 g/g` as (0.5, '<', 'g/g'); None where the text is not exactly a number with an optional unit."""
    match = _NUMBER_AND_UNIT.match(unicodedata.normalize("NFKC", text).strip())
    if not match:
        return None
    try:
        return Decimal(match[2]), _COMPARATORS.get(match[1] or "", match[1]), match[3] or ""
    except InvalidOperation:
        return None


def written(quantity: Quantity) -> str:
    """A Quantity as it stood in the record."""
    value = "" if quantity.value is None else plain(quantity.value)
    return f"{quantity.comparator or ''}{value} {quantity.unit or quantity.code or ''}".strip()
