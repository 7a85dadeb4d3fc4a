"""Writes `profiles/r4/`: the parts of HL7's own FHIR R4 files against which resources are judged before they leave.

    python -m tests.r4_schema fhir.schema.json hl7.fhir.r4.core.tgz

`profiles/r4/README.md` tells where the two files come from, and their licence. Run it again after changing `TYPES`.
"""

import hashlib
import json
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Object = dict[str, Json]
Package = Callable[[str], Object]
"""Name of a file of the R4 package, without its ending -> its content; {} where there is none."""

TYPES = [
    "ActivityDefinition",
    "Bundle",
    "CarePlan",
    "Device",
    "Group",
    "GuidanceResponse",
    "List",
    "Location",
    "MedicationRequest",
    "Organization",
    "PlanDefinition",
    "Provenance",
    "Questionnaire",
    "ResearchStudy",
    "ResearchSubject",
    "ServiceRequest",
    "Subscription",
    "Task",
]
"""The types that leave. Resources inside resources (`contained`, Bundle entries) are of these types too."""

SOURCES = (
    "15b9548af6412c44faaa411456e0652542de286fd1c58ef882b09bdc8947909d",
    "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091",
)
"""SHA-256 of the two files that `profiles/r4/` was made from."""

TARGET = Path(__file__).parent.parent / "profiles" / "r4"
DEFINITION = "#/definitions/"


def cut(schema: Object) -> Object:
    """The official JSON schema with only what can be reached from `TYPES`, and without its descriptions."""
    choice: Object = {"oneOf": [{"$ref": DEFINITION + name} for name in TYPES]}
    discriminator: Object = {"propertyName": "resourceType", "mapping": {name: DEFINITION + name for name in TYPES}}
    definitions = {**members(schema["definitions"]), "ResourceList": choice}
    kept: Object = {name: bare(definitions[name]) for name in sorted(reached(definitions))}
    return {
        "$schema": schema["$schema"],
        "id": schema["id"],
        "discriminator": discriminator,
        **choice,
        "definitions": kept,
    }


def reached(definitions: Object) -> set[str]:
    """The names of the definitions that `TYPES` rest on."""
    names: set[str] = set()
    ahead = list(TYPES)
    while ahead:
        name = ahead.pop()
        if name not in names:
            names.add(name)
            ahead += [ref.removeprefix(DEFINITION) for ref in references(definitions[name])]
    return names


def references(schema: Json) -> Iterator[str]:
    """Every `$ref` inside."""
    if isinstance(schema, list):
        for each in schema:
            yield from references(each)
    elif isinstance(schema, dict):
        if isinstance(ref := schema.get("$ref"), str):
            yield ref
        for each in schema.values():
            yield from references(each)


def bare(schema: Json) -> Json:
    """Without `description` where that is the keyword; the FHIR element of that name, a property, stays."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: bare(each) for name, each in members(value).items()} if key == "properties" else bare(value)
        for key, value in schema.items()
        if key != "description"
    }


def rules(definitions: Object, package: Package) -> Object:
    """Definition -> property -> the codes or the reference targets that R4 prescribes and the schema does not."""
    found: dict[str, Object] = {}
    for name in definitions:
        places = {name: name}
        for element in elements(package(f"StructureDefinition-{name}")):
            parent, _, last = text(element["path"]).rpartition(".")
            inside = members(members(definitions[places[parent]]).get("properties", {})) if parent in places else {}
            for member, rule in prescribed(element, last, package):
                if "enum" not in item(inside[member]):
                    found.setdefault(places[parent], {})[member] = rule
            if "_" in (below := text(item(inside.get(last, {})).get("$ref", ""))):
                places[f"{parent}.{last}"] = below.removeprefix(DEFINITION)
    return {name: found[name] for name in sorted(found)}


def prescribed(element: Object, last: str, package: Package) -> Iterator[tuple[str, Object]]:
    """Property and rule of one element of a StructureDefinition; a choice has a property for each of its types."""
    for kind in map(members, array(element.get("type", []))):
        code = text(kind["code"])
        member = last.replace("[x]", code[:1].upper() + code[1:])
        targets: list[Json] = [text(url).rpartition("/")[2] for url in array(kind.get("targetProfile", []))]
        if code == "Reference" and targets and targets != ["Resource"]:
            yield member, {"targets": targets}
        binding = members(element.get("binding", {}))
        if code == "code" and binding.get("strength") == "required":
            if codes := value_set(text(binding["valueSet"]), package):
                yield member, {"codes": list(codes)}
            else:
                print(f"left open: {text(element['path'])}, bound to {text(binding['valueSet'])}")


def value_set(url: str, package: Package) -> list[str]:
    """Its codes; none where it takes from a code system that the package does not hold completely."""
    name = url.partition("|")[0].rpartition("/")[2]
    codes: list[str] = []
    compose = members(package(f"ValueSet-{name}").get("compose", {}))
    for include in map(members, array(compose.get("include", []))):
        part = included(include, package)
        if not part or "exclude" in compose:
            return []
        codes += part
    return codes


def included(include: Object, package: Package) -> list[str]:
    """The codes of one `include`."""
    if "filter" in include:
        return []
    if "valueSet" in include:
        return [code for url in array(include["valueSet"]) for code in value_set(text(url), package)]
    if "concept" in include:
        return [text(members(concept)["code"]) for concept in array(include["concept"])]
    system = package(f"CodeSystem-{text(include['system']).rpartition('/')[2]}")
    if system.get("content") != "complete" or system.get("url") != include["system"]:
        return []
    return list(concepts(system))


def concepts(parent: Object) -> Iterator[str]:
    """The codes of a code system or a concept, with those below."""
    for concept in map(members, array(parent.get("concept", []))):
        yield text(concept["code"])
        yield from concepts(concept)


def elements(definition: Object) -> list[Object]:
    """The elements of a StructureDefinition's snapshot."""
    return [members(each) for each in array(members(definition.get("snapshot", {})).get("element", []))]


def item(schema: Json) -> Object:
    """The schema of the thing itself, whether or not it repeats."""
    return members(members(schema).get("items", schema))


def members(value: Json) -> Object:
    assert isinstance(value, dict)
    return value


def array(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def text(value: Json) -> str:
    assert isinstance(value, str)
    return value


def opened(path: Path) -> Package:
    """The R4 package: one archive with a JSON file for each definition."""
    archive = tarfile.open(path)  # noqa: SIM115 (read until the end of the run)
    names = set(archive.getnames())

    def read(name: str) -> Object:
        place = f"package/{name}.json"
        file = archive.extractfile(place) if place in names else None
        return members(json.load(file)) if file else {}

    return read


def write(name: str, content: Json) -> None:
    (TARGET / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(schema: Path, core: Path) -> None:
    """Writes both files, from exactly the sources that are named here."""
    for path, expected in zip((schema, core), SOURCES, strict=True):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == expected, f"{path} is not the file that README names"
    official = cut(json.loads(schema.read_text(encoding="utf-8")))
    write("fhir.schema.json", official)
    write("rules.json", rules(members(official["definitions"]), opened(core)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
