"""What a run would write against what the sink holds: new, changed, the same, or kept because a person edited it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

from adapter.resources.research_subject import SCREENED
from adapter.resources.shape import DIGEST, Resource, Value, is_untouched, key_of, mappings, plain, pretty, sealed

PERSONAL = frozenset({"ResearchSubject", "CarePlan", "MedicationRequest"})
"""What people go on editing: overwritten only as long as it is as this program wrote it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource of a run beside what the sink holds of it; `kept`: that stays, since a person edited it."""

    action: Literal["create", "update", "same", "kept"]
    resource: Resource
    held: Resource | None = None

    @property
    def writes(self) -> bool:
        """Whether the sink changes."""
        return self.action in ("create", "update")


def reconcile(resources: Iterable[Resource], held: Mapping[str, Resource]) -> tuple[Change, ...]:
    """Every resource with what is to be done about it."""
    changes = tuple(_change(resource, held.get(key_of(resource))) for resource in resources)
    anew = any(change.writes for change in changes if change.resource["resourceType"] != "Provenance")
    return changes if anew else tuple(_settled(change) for change in changes)


def diff(changes: Iterable[Change]) -> Iterator[str]:
    """The lines of a unified diff of what would be written."""
    for change in changes:
        if change.writes:
            before = pretty(change.held).decode().splitlines() if change.held else []
            after = pretty(change.resource).decode().splitlines()
            key = key_of(change.resource)
            yield from unified_diff(before, after, key if before else "nothing", key, lineterm="")


def _settled(change: Change) -> Change:
    """A Provenance tells how its targets were made: where none is made anew, neither is what it tells."""
    stays = change.action == "update" and change.resource["resourceType"] == "Provenance"
    return Change("same", change.resource, change.held) if stays else change


def _change(resource: Resource, held: Resource | None) -> Change:
    if held is None:
        return Change("create", resource)
    if resource["resourceType"] == "ResearchSubject":
        resource = _with_additions(resource, held)
    if _content(resource) == _content(held):
        return Change("same", resource, held)
    kept = resource["resourceType"] in PERSONAL and not _may_replace(resource, held)
    return Change("kept" if kept else "update", resource, held)


def _with_additions(subject: Resource, held: Resource) -> Resource:
    """A ResearchSubject with the elements, identifiers and extensions that people added to it."""
    own = mappings(subject.get("identifier"))
    more: dict[str, Value] = {name: value for name, value in held.items() if name not in (*subject, "text")}
    identifiers = [one for one in mappings(held.get("identifier")) if plain(one) not in [plain(other) for other in own]]
    if others := [one for one in mappings(held.get("extension")) if one.get("url") != DIGEST]:
        more["extension"] = others
    if identifiers:
        more["identifier"] = [*own, *identifiers]
    return sealed({**subject, **more}) if more else subject


def _may_replace(resource: Resource, held: Resource) -> bool:
    """An assignment follows any status of screening; nothing goes back from an assignment, nothing undoes a person."""
    if resource["resourceType"] == "ResearchSubject":
        before, after = str(held.get("status")), str(resource["status"])
        early = {*SCREENED.values(), "candidate", "potential-candidate"}
        if after not in early and before in early:
            return True
        if after in early and before not in early:
            return False
    return is_untouched(held)


def _content(resource: Resource) -> Value:
    """Without what a server adds."""
    meta = resource.get("meta")
    own = (
        {k: v for k, v in meta.items() if k not in ("versionId", "lastUpdated", "source")}
        if isinstance(meta, Mapping)
        else {}
    )
    return plain({**resource, "meta": own})
