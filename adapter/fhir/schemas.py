"""Files of `mappings/` against the JSON Schemas of `profiles/`, each fault with file and line."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from adapter.errors import AdapterError
from adapter.fhir.files import data_dir, load_yaml, read_bytes


def trial_faults(folder: Path) -> Iterator[str]:
    """What is wrong with the criteria, readings and arms of a trial's folder."""
    yield from schema_faults(folder / "criteria.yaml", "criteria")
    yield from schema_faults(folder / "readings.yaml", "readings")
    for arm in sorted((folder / "arms").glob("*.json")):
        yield from schema_faults(arm, "arm")


def schema_faults(path: Path, schema: str) -> Iterator[str]:
    """What is wrong with one YAML or JSON file by `profiles/<schema>.schema.json`."""
    from jsonschema import Draft202012Validator  # a tenth of a second, which shipped trials need not pay

    try:
        document, lines = load_yaml(path)
    except AdapterError as error:
        yield str(error)
        return
    shape = msgspec.json.decode(read_bytes(data_dir() / "profiles" / f"{schema}.schema.json"))
    for fault in Draft202012Validator(shape).iter_errors(document):
        at = tuple(fault.absolute_path)
        line = next((lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in lines), 1)
        yield f"{path}:{line}: {'.'.join(map(str, at))}: {fault.message[:200]}; see profiles/{schema}.schema.json"
