"""What a sink holds of the assignments of earlier runs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from adapter.assignment.arms import Arm
from adapter.facts.model import Enrolment

ON_TRIAL = frozenset({"pending-on-study", "on-study", "on-study-intervention", "on-study-observation", "follow-up"})
"""Statuses of a ResearchSubject from the assignment on, as long as he takes part."""
CLOSED = frozenset({"not-registered", "off-study", "withdrawn"})
"""Statuses that a person sets when a subject does not take part, or no more."""


@dataclass(frozen=True, slots=True)
class Held:
    """A ResearchSubject of this study in the sink: its patient, the day of his assignment, the first planned dose."""

    patient: str
    enrolment: Enrolment
    since: date | None = None
    first_dose: date | None = None

    @property
    def takes_part(self) -> bool:
        """Whether he was assigned and has not left."""
        return self.since is not None and self.enrolment.status in ON_TRIAL

    def is_assigned(self, arm: Arm | None) -> bool:
        """Whether this is an assignment to the arm, whatever became of it."""
        one = self.enrolment
        return arm is not None and one.assigned_arm == arm.name and one.status in ON_TRIAL | CLOSED


def by_patient(held: Iterable[Held]) -> Mapping[str, Sequence[Held]]:
    """The subjects of every patient, by his reference as the sink writes it."""
    found: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        found[one.patient].append(one)
    return found
