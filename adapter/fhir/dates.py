"""FHIR date, dateTime, instant and Period as days on the site's calendar, with their precision kept.

Days are proleptic ordinals (`date.toordinal()`): whole days, cheap to compare. A partial date (`2026-05`) is one day
that
is not known exactly; a stretch (Period, a supply) was going on all its days. FHIR R4, datatypes#dateTime.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from adapter.errors import UnreadableError
from adapter.fhir.elements import Period

FIRST = date.min.toordinal()
LAST = date.max.toordinal()
_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d))?\Z")


class Place(Enum):
    """Where a day or a stretch lies with respect to a window."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    PARTIAL = "partial-date"
    UNDATED = "undated"


class When(msgspec.Struct, frozen=True, gc=False):
    """The days of an event.

    A day: `first_lo == last_lo` and `first_hi == last_hi` (equal to each other too, when the day is known exactly).
    A stretch: its first day lies in [first_lo, first_hi], its last in [last_lo, last_hi]; an `open` end reaches to the
    day of asking. Undated: `dated` is False and `bound` is a day it cannot be later than (recordedDate, issued ...).
    `uncut` is the last
    possible day before `cut`.
    """

    first_lo: int = FIRST
    first_hi: int = LAST
    last_lo: int = FIRST
    last_hi: int = LAST
    stretch: bool = False
    open: bool = False
    dated: bool = True
    bound: int | None = None
    text: str = ""
    uncut: int | None = None

    def cut(self, day: int) -> "When":
        """The same event, knowing that it was not after `day`: a partial date loses its impossible days."""
        if not self.is_cut_by(day):
            return self
        uncut = self.last_hi if self.uncut is None else self.uncut
        return replace(self, first_hi=min(self.first_hi, day), last_hi=min(self.last_hi, day), uncut=uncut)

    def is_cut_by(self, day: int) -> bool:
        """Whether `cut` would take days away."""
        return self.dated and not self.stretch and self.first_lo <= day < self.last_hi

    def edges(self) -> set[int]:
        """The days at which its place in a window can change; of a partial date also those that were cut away."""
        if not self.dated:
            return set() if self.bound is None else {self.bound}
        days = {self.first_lo, self.first_hi, self.last_lo, self.last_hi if self.uncut is None else self.uncut}
        return {day for day in days if FIRST < day < LAST - 4000}

    def end(self, asked: int) -> tuple[int, int]:
        """Earliest and latest possible last day, no later than the day of asking."""
        if self.open:
            return asked, asked
        return min(self.last_lo, asked), min(self.last_hi, asked)

    def place(self, start: int, end: int, asked: int) -> Place:
        """Where this lies with respect to the days `start` to `end`, both included, seen on the day `asked`."""
        if not self.dated:
            return Place.OUTSIDE if self.bound is not None and self.bound < start else Place.UNDATED
        last_lo, last_hi = self.end(asked)
        if last_hi < start or self.first_lo > end or start > end:
            return Place.OUTSIDE
        if start <= self.first_lo and self.first_hi <= end:
            return Place.INSIDE
        if start <= last_lo and last_hi <= end:
            return Place.INSIDE
        if self.stretch and self.first_hi <= last_lo and self.first_hi <= end and last_lo >= start:
            return Place.INSIDE
        return Place.PARTIAL

    def known(self) -> "int | None":
        """The one day of this event, None where it is a stretch, partial or undated."""
        return self.first_lo if self.dated and not self.stretch and self.first_lo == self.last_hi else None


UNDATED = When(dated=False)


@lru_cache(maxsize=8192)
def day_text(day: int) -> str:
    """An ordinal as an ISO date."""
    return date.fromordinal(day).isoformat()


@lru_cache(maxsize=8192)
def days_of(text: str, zone: ZoneInfo) -> tuple[int, int]:
    """First and last possible day of a FHIR date, dateTime or instant on the calendar of `zone`.

    Raises ValueError for a date that cannot exist or is not written as FHIR writes it.
    """
    if partial := _PARTIAL.match(text):
        return _partial_days(int(partial[1]), int(partial[2]) if partial[2] else None)
    if len(text) == 10:
        day = date.fromisoformat(text).toordinal()
        if text[4] != "-" or text[7] != "-":
            raise ValueError(text)
        return day, day
    if len(text) < 13 or text[10] != "T" or text[4] != "-":
        raise ValueError(text)
    moment = datetime.fromisoformat(text.replace(":60", ":59"))  # a leap second is a second of its minute
    day = (moment.astimezone(zone) if moment.tzinfo else moment).toordinal()
    return day, day


def _partial_days(year: int, month: int | None) -> tuple[int, int]:
    if month is None:
        return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else date.max
    return first.toordinal(), following.toordinal() - 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """Reads FHIR dates on one site's calendar; every method raises UnreadableError with the element's path."""

    zone: ZoneInfo

    def days(self, text: str, path: str) -> tuple[int, int]:
        """First and last possible day of one date."""
        try:
            return days_of(text.strip(), self.zone)
        except (ValueError, OverflowError):
            raise UnreadableError(path, f"{text[:40]!r} is not a date that exists; write YYYY-MM-DD") from None

    def check(self, text: str, path: str) -> None:
        """Whether a date exists, without placing it on the calendar: the cheap question for what no criterion asks
        for.
        """
        try:
            datetime.fromisoformat(text)
        except ValueError:  # not written as Python reads it: FHIR may still
            self.days(text, path)

    def instant(self, text: str) -> str:
        """A dateTime that is known to be one, in UTC; without a zone it is meant in the site's."""
        moment = datetime.fromisoformat(text.strip().replace(":60", ":59"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC).isoformat()

    def at(self, text: str, path: str) -> When:
        """One day, or a partial date."""
        low, high = self.days(text, path)
        return When(low, high, low, high, text=text)

    def during(self, period: Period, path: str) -> When | None:
        """The stretch of a Period; None where it has neither start nor end."""
        start = self.days(period.start, f"{path}.start") if period.start else None
        end = self.days(period.end, f"{path}.end") if period.end else None
        text = f"{period.start or ''}/{period.end or ''}"
        if start and end and end[1] < start[0]:
            raise UnreadableError(path, f"the period ends ({period.end}) before it starts ({period.start})")
        if start:
            low, high = end or (LAST, LAST)
            return When(*start, low, high, stretch=True, open=end is None, text=text)
        if end:
            return When(FIRST, end[1], *end, stretch=True, text=text)
        return None

    def supply(self, text: str, days: int, path: str) -> When:
        """A supply handed over on day D for N days: D to D+N-1."""
        low, high = self.days(text, path)
        extra = max(days - 1, 0)
        return When(low, high, low + extra, high + extra, stretch=days > 1, text=text)

    def bound(self, texts: Iterable[tuple[str | None, str]]) -> int | None:
        """The earliest of the days that an undated event cannot be later than."""
        days = [self.days(text, path)[1] for text, path in texts if text]
        return min(days) if days else None


@lru_cache(maxsize=8192)
def plus_years(born: date, years: int) -> date:
    """The birthday after `years` years; that of 29 February falls on 1 March in common years.

    One beyond the calendar is its last day: a birth date far in the future is wrong, and no age follows from it.
    """
    if born.year + years > date.max.year:
        return date.max
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def completed_years(born: date, on: date) -> int:
    """Completed years of age on a day."""
    years = on.year - born.year
    return years if plus_years(born, years) <= on else years - 1


def back(day: int, days: int) -> int:
    """The day `days` before, never before the calendar begins."""
    return max(day - days, FIRST)


def iso_day(text: str) -> date:
    """A full ISO date as the caller wrote it; ValueError otherwise."""
    if len(text) != 10:
        raise ValueError(f"{text!r} is not a date; write YYYY-MM-DD")
    return date.fromisoformat(text)


__all__ = [
    "UNDATED",
    "Calendar",
    "Place",
    "When",
    "back",
    "completed_years",
    "day_text",
    "iso_day",
    "plus_years",
]
