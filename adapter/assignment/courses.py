"""From an arm and its signed readings to courses, and from a first day to the dates of every dose."""

from dataclasses import dataclass
from datetime import date, timedelta

from adapter.assignment.arms import Arm
from adapter.eligibility.trial import Trial


@dataclass(frozen=True, slots=True)
class PlannedCourse:
    """The course of a number (from 1). `days`: a date a dose; empty where nobody has set the day."""

    number: int
    days: tuple[date, ...] = ()


def unsigned(names: tuple[str, ...], trial: Trial, day: date) -> tuple[str, ...]:
    """Those of the readings that nobody has signed by a day, in the order of readings.yaml."""
    return tuple(entry.id for entry in trial.entries if entry.id in names and not entry.signed_by(day))


def planned_courses(arm: Arm, trial: Trial, first_dose: date | None = None) -> tuple[PlannedCourse, ...]:
    """The courses of an arm whose readings are signed; without an interval of the protocol only the first has dates.

    Dates are calendar days, so that a change of the clock moves none.
    """
    treatment = arm.treatment
    found = []
    step = _days_from_start_to_start(arm, trial)
    for number in range(1, int(trial.readings[treatment.courses.reading]) + 1):
        start = None
        if first_dose is not None and (number == 1 or step is not None):
            start = first_dose + timedelta((number - 1) * (step or 0))
        found.append(PlannedCourse(number, _dose_days(arm, start) if start else ()))
    return tuple(found)


def _days_from_start_to_start(arm: Arm, trial: Trial) -> int | None:
    interval, course = arm.treatment.courses.interval, arm.treatment.course
    if interval is None:
        return None
    gap = trial.readings[interval.reading] == "gap-after-course"
    return interval.days + (course.days or 0) if gap else interval.days


def _dose_days(arm: Arm, start: date) -> tuple[date, ...]:
    course = arm.treatment.course
    return tuple(start + timedelta(n * (course.every_days or 0)) for n in range(course.doses))
