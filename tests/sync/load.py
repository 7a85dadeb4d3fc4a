"""Puts the files of the examples onto a FHIR server, as a hospital's own server would hold them."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import requests

Json = dict[str, Any]
JSON = {"Content-Type": "application/fhir+json"}
_LOCAL = re.compile(r"^[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}$")


def load(base_url: str, paths: Iterable[Path], token: str = "") -> None:
    """One transaction a file. What is referred to and nowhere there becomes an empty resource, since HAPI wants it."""
    for path in paths:
        send(base_url, resources_of(path), token)


def send(base_url: str, resources: list[Json], token: str = "") -> None:
    """PUTs resources in one transaction."""
    entries = [*_stubs(resources), *resources]
    requests_ = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in entries
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": requests_}
    headers = {**JSON, **({"Authorization": f"Bearer {token}"} if token else {})}
    answer = requests.post(base_url, json=bundle, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text[:1000]


def resources_of(path: Path) -> list[Json]:
    """The resources of a file, every reference by `urn:uuid` made one to the id that the resource has, or gets."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    entries = json.loads(text).get("entry", ())
    names = {}
    for number, entry in enumerate(entries):
        one = entry["resource"]
        one.setdefault("id", f"{path.stem}-{number}")
        if entry.get("fullUrl", "").startswith("urn:"):
            names[entry["fullUrl"]] = f"{one['resourceType']}/{one['id']}"
    return [_renamed(entry["resource"], names) for entry in entries]


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def _stubs(resources: list[Json]) -> list[Json]:
    there = {f"{one['resourceType']}/{one['id']}" for one in resources}
    wanted = {key for one in resources for key in _references(one) if _LOCAL.match(key)} - there
    return [{"resourceType": key.partition("/")[0], "id": key.partition("/")[2]} for key in sorted(wanted)]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)
