"""Doses: from an arm, a weight and dates to Dosage and to sentences that a nurse reads."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext

from adapter.assignment.arms import Arm, Course, Treatment
from adapter.assignment.courses import PlannedCourse
from adapter.assignment.weight import Weight
from adapter.resources.shape import Resource, Value, coded, quantity

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NO_ORDER = "A plan, not an order: nothing may be given before a physician has ordered it."
_DOSE_TYPES = "http://terminology.hl7.org/CodeSystem/dose-rate-type"


def amount(treatment: Treatment, weight: Weight | None) -> Decimal:
    """One dose, exactly: the stated amount, times the kilograms where it is by weight."""
    if treatment.dose.per_kg is None:
        return treatment.dose.value
    assert weight is not None, "the gate refuses a dose by weight without a weight"
    return _product(treatment.dose.value, weight.kg)


def _product(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as exactly:
        exactly.prec = 120  # two factors of at most 60 digits
        exact = (one * other).normalize()
        return exact if exact != exact.to_integral_value() else Decimal(int(exact))


def dose_text(treatment: Treatment, weight: Weight | None) -> str:
    """`120 x 10^6 cells`, `1,000,000 IU`: thousands apart, so that nobody counts zeros."""
    return f"{amount(treatment, weight):,f} {treatment.dose.unit}"


def calculation(treatment: Treatment, weight: Weight | None) -> str:
    """`2 x 10^6 cells/kg x 60 kg = 120 x 10^6 cells`; empty for a fixed dose."""
    if weight is None:
        return ""
    dose = treatment.dose
    return f"{dose.value:f} {dose.unit}/kg x {weight.kg:f} kg = {dose_text(treatment, weight)}"


def timing(course: Course, days: Sequence[date] = ()) -> Resource:
    """FHIR Timing of one course; `event` only where the days are set. R4 Timing cannot tell courses apart, so each
    has a request of its own.
    """
    repeat: dict[str, Value] = {"count": course.doses}
    if course.every_days is not None and course.days is not None:
        bounds = quantity(Decimal(course.days), "d", "d")
        every: dict[str, Value] = {"frequency": 1, "period": course.every_days, "periodUnit": "d"}
        repeat = {"boundsDuration": bounds} | repeat | every
    event: dict[str, Value] = {"event": [day.isoformat() for day in days]} if days else {}
    return event | {"repeat": repeat}


def route_and_instruction(treatment: Treatment) -> dict[str, Value]:
    """The part of a Dosage that is the same for every patient, after its text and timing."""
    told: dict[str, Value] = {"route": treatment.route}
    if treatment.instruction:
        told = {"additionalInstruction": [{"text": treatment.instruction}]} | told
    return told


def dosage(arm: Arm, weight: Weight | None, course: PlannedCourse, of: int) -> Resource:
    """FHIR Dosage of one course; `of` courses in all."""
    treatment = arm.treatment
    fixed = route_and_instruction(treatment)
    route = fixed.pop("route")
    dose = quantity(amount(treatment, weight), treatment.dose.unit, treatment.dose.code)
    kind: dict[str, Value] = {"type": coded(_DOSE_TYPES, "calculated", "Calculated")} if weight else {}
    return {
        "sequence": 1,
        "text": course_sentence(treatment, weight, course, of),
        **fixed,
        "timing": timing(treatment.course, course.days),
        "route": route,
        "doseAndRate": [kind | {"doseQuantity": dose}],
    }


def sentence(treatment: Treatment, weight: Weight | None) -> str:
    """`120 x 10^6 cells, suspended in 30 ml saline, intravenous, once`."""
    course = treatment.course
    often = "once"
    if course.doses > 1:
        each = {1: "every day", 2: "every other day"}.get(course.every_days or 0, f"every {course.every_days} days")
        often = f"{each}, {course.doses} times in {course.days} days"
    parts = (dose_text(treatment, weight), treatment.instruction, str(treatment.route.get("text") or ""), often)
    return ", ".join(part for part in parts if part)


def course_lines(treatment: Treatment, courses: Sequence[PlannedCourse]) -> list[str]:
    """A line a course, with its dates as far as they are set."""
    lines = []
    for course in courses:
        days = ", ".join(weekday(day) for day in course.days) or "no date is set"
        lines.append(f"{course_name(treatment, course, len(courses))}: {days}")
    return lines


def course_name(treatment: Treatment, course: PlannedCourse, of: int) -> str:
    """`Course 2 of 3`."""
    return f"{treatment.course.name.capitalize()} {course.number} of {of}"


def interval_text(treatment: Treatment, settings: Mapping[str, str | int]) -> str:
    """What lies between two courses; empty where the protocol gives no interval."""
    interval = treatment.courses.interval
    if interval is None:
        return ""
    between = {
        "gap-after-course": "from the end of one to the start of the next",
        "start-to-start": "from start to start",
    }[str(settings[interval.reading])]
    return f"Between two courses {interval.days} days, {between}."


def course_sentence(treatment: Treatment, weight: Weight | None, course: PlannedCourse, of: int) -> str:
    """One of several courses says which, so that two requests without dates can be told apart."""
    told = sentence(treatment, weight)
    return f"{told}; {course_name(treatment, course, of).lower()}" if of > 1 else told


def weekday(day: date) -> str:
    """`Mon 2026-11-23`, whatever the language of the machine."""
    return f"{_DAYS[day.weekday()]} {day.isoformat()}"
