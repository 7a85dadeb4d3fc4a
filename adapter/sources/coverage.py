"""What a source declares to have given completely: a searchset of one patient, a Bulk Data export by its manifest.

Coverage is what turns silence into "no", so whatever is not plainly complete covers nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from adapter.fhir.decode import R4_TYPES
from adapter.fhir.references import key_of_text
from adapter.sources.events import Covered

_OF_PATIENT = frozenset({"patient", "subject", "beneficiary", "patient:Patient", "subject:Patient"})
_HARMLESS_SEARCH = frozenset({"_sort", "_format", "_pretty", "_total", "_include", "_revinclude"})
_HARMLESS_EXPORT = frozenset({"_type", "_outputFormat", "_format", "_pretty", "organizeOutputBy"})


def searchset_coverage(links: Mapping[str, str], total: int | None, matches: Mapping[str, int]) -> tuple[Covered, ...]:
    """Covers the type of a search for nothing but a patient, whose only page this is, for each patient asked for.

    `links` are the URLs of the Bundle by relation, `matches` the entries (search mode `match` or none) by type.
    """
    if "next" in links or "self" not in links:
        return ()
    url = urlsplit(links["self"])
    type_ = url.path.removesuffix("/").removesuffix("/_search").rpartition("/")[2]
    patients = _patients(parse_qsl(url.query, keep_blank_values=True))
    if type_ not in R4_TYPES or (total is not None and total > matches.get(type_, 0)):
        return ()
    return tuple(Covered(frozenset({type_}), patient) for patient in patients)


def _patients(parameters: list[tuple[str, str]]) -> tuple[str, ...]:
    """The patients asked for; none if the search was narrowed by anything else."""
    asked: list[str] = []
    for name, value in parameters:
        plain = name.partition(":")[0]
        if name in _OF_PATIENT:
            asked.append(value)
        elif plain not in _HARMLESS_SEARCH and not (name == "_count" and value.isdigit() and int(value) > 0):
            return ()
    if len(asked) != 1 or not asked[0]:
        return ()
    return tuple(_patient_key(one) for one in asked[0].split(",") if one)


def _patient_key(value: str) -> str:
    key = key_of_text(value)
    return key if "/" in key or ":" in key else f"Patient/{key}"


class _Output(msgspec.Struct, frozen=True):
    url: str
    type: str | None = None
    count: int | None = None


class _Link(msgspec.Struct, frozen=True):
    relation: str | None = None


class _Manifest(msgspec.Struct, frozen=True):
    request: str
    output: tuple[_Output, ...]
    error: tuple[msgspec.Raw, ...] | None = None
    link: tuple[_Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest of an export. `refused` says why it covers nothing, empty if it may."""

    outputs: tuple[_Output, ...]
    requested: frozenset[str]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How a listed file was read: the number of its lines, and whether it could be read to its end."""

    lines: int
    whole: bool


def read_manifest(data: bytes) -> Manifest | None:
    """The manifest in the shape of FHIR Bulk Data Access, None if this is none.

    Source: hl7.org/fhir/uv/bulkdata/export.html, "Response - Complete Status".
    """
    try:
        found = msgspec.json.decode(data, type=_Manifest)
    except (ValueError, RecursionError):
        return None
    parameters = parse_qsl(urlsplit(found.request).query, keep_blank_values=True)
    types = frozenset(one for name, value in parameters if name == "_type" for one in value.split(",") if one)
    return Manifest(found.output, types, _refused(found, parameters))


def _refused(manifest: _Manifest, parameters: list[tuple[str, str]]) -> str:
    if "$export" not in unquote(urlsplit(manifest.request).path):
        return "the request is not that of an $export"
    narrowed = sorted({name for name, _ in parameters} - _HARMLESS_EXPORT)
    if narrowed:
        return f"the request was narrowed by {', '.join(narrowed)}"
    if manifest.error is None:
        return "it does not say that there was no `error`"
    if manifest.error:
        return "its `error` is not empty"
    if any(link.relation == "next" for link in manifest.link):
        return "it has further pages"
    return ""


def listed_names(url: str) -> tuple[str, ...]:
    """The names under which a file of the manifest may have been saved, likeliest first."""
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    return tuple(f"{name}{end}" for end in ("", ".gz", ".zst", ".ndjson", ".ndjson.gz", ".ndjson.zst"))


def covered_types(manifest: Manifest, tallies: Mapping[str, Tally | None]) -> frozenset[str]:
    """The types that the export gave completely; `tallies` by URL, None for a file that is not there.

    A type of `output` is covered when each of its files was read to the end and held as many resources as `count`
    says. With `_type` in the request, a requested type without output was exported empty. Without it the manifest
    does not tell which further types the server exports at all, so only the types of `output` are covered.
    """
    if manifest.refused:
        return frozenset()
    listed = {output.type for output in manifest.outputs}
    lacking = {output.type for output in manifest.outputs if not _is_complete(output, tallies.get(output.url))}
    if None in lacking:
        return frozenset()  # files by patient: one that is missing may hold any type
    if None in listed:
        return manifest.requested
    return frozenset(type_ for type_ in manifest.requested | listed if type_ and type_ not in lacking)


def _is_complete(output: _Output, tally: Tally | None) -> bool:
    return tally is not None and tally.whole and tally.lines >= (output.count or 0)


def incomplete(manifest: Manifest, tallies: Mapping[str, Tally | None]) -> Iterable[tuple[str, str]]:
    """What is wrong with each listed file that is not complete: its name and a sentence."""
    for output in manifest.outputs:
        tally = tallies.get(output.url)
        if tally is None:
            yield listed_names(output.url)[0], "listed in the manifest, but not here"
        elif not tally.whole:
            yield listed_names(output.url)[0], "listed in the manifest, but could not be read to its end"
        elif tally.lines < (output.count or 0):
            yield (
                listed_names(output.url)[0],
                f"the manifest counts {output.count} resources, but {tally.lines} are here",
            )
