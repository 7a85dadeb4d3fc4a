"""`trial-adapter trial export` and `schedule`: a trial as FHIR, and the dates of an arm."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from adapter.assignment.arms import Arm, load_arms
from adapter.assignment.courses import planned_courses, unsigned
from adapter.assignment.gate import unsigned_text
from adapter.config import Config, load_config
from adapter.eligibility.trial import Trial
from adapter.errors import UsageError
from adapter.report.assigning import check
from adapter.report.output import as_array, as_lines
from adapter.report.run import site_of
from adapter.report.text import joined_lines, number
from adapter.resources.dosing import weekday
from adapter.resources.emit import study_resources
from adapter.resources.names import CANDIDATES
from adapter.resources.reconcile import reconcile
from adapter.resources.shape import encoded, study_uuid
from adapter.screen import load_trial, program_version
from adapter.sinks.folder import Batch, Form, bundle_of, files_of, held_in, write_files


def load_signed(trial: str, readings: Path | None, settings: Config) -> Trial:
    """The trial with the site's signed readings: those of the call, else those of the configuration."""
    return load_trial(trial, decisions=readings or settings.readings, site=site_of(settings))


def exported(trial: str, out: Path | None, form: Form, config: Path | None) -> Iterator[bytes]:
    """Writes the trial's resources to a folder and says so, or yields them."""
    settings = load_config(config)
    loaded = load_signed(trial, None, settings)
    identifiers = [(one.system, one.value) for one in settings.identifiers if one.trial == loaded.id]
    resources = study_resources(loaded, load_arms(loaded), program_version(), identifiers)
    check(resources)
    held = held_in(out)
    batch = Batch("study", reconcile(resources, held))
    space = study_uuid(loaded.id, CANDIDATES)
    if out is not None:
        files = files_of([batch], held, form, space)
        write_files(out, files)
        yield from joined_lines([f"{out}: {number(len(resources), 'resource')}; {number(len(files), 'file')} written"])
    elif form == "bundle":
        yield from as_lines([encoded(bundle_of(batch, held, space))])
    else:
        yield from (as_array if form == "resources" else as_lines)(map(encoded, resources))


def schedule_lines(
    trial: str, arm_name: str, first_dose: date, readings: Path | None, config: Path | None
) -> tuple[list[str], list[str]]:
    """The dates of every dose for a nurse, and what stands against telling them."""
    settings = load_config(config)
    loaded = load_signed(trial, readings, settings)
    arms = load_arms(loaded)
    arm = arms.called(arm_name)
    if arm is None:
        raise UsageError(f"no arm is called {arm_name!r}; write one of {', '.join(arms.names)}, spelled exactly")
    needed = tuple(name for name in arm.treatment.readings if name not in _of_weight(arm))
    refused = [
        f"refused: {unsigned_text(name, loaded)} (reading-unsigned)" for name in unsigned(needed, loaded, first_dose)
    ]
    if refused:
        return [], refused
    treatment = arm.treatment
    lines = [f"{arm.name} of {loaded.id}: {treatment.title}", "A plan, not an order."]
    courses = planned_courses(arm, loaded, first_dose)
    for course in courses:
        lines += ["", f"{treatment.course.name.capitalize()} {course.number} of {len(courses)}"]
        lines += [f"  dose {n}  {weekday(day)}" for n, day in enumerate(course.days, 1)]
        lines += [] if course.days else ["  the protocol gives no interval: a physician sets the date"]
    return lines, []


def _of_weight(arm: Arm) -> set[str]:
    """The readings that change a dose and no date."""
    per_kg = arm.treatment.dose.per_kg
    return {per_kg.days.reading} if per_kg else set()
