"""Transaction Bundles: PUT under our own ids, with `ifMatch` where the version is known. FHIR R4."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from adapter.fhir.systems import BASE
from adapter.resources.shape import Resource, Value, key_of


def transaction(id_: UUID, resources: Sequence[Resource], held: Mapping[str, Resource]) -> Resource:
    """One Bundle that a server carries out as a whole. `held`: what the sink has, by `Type/id`."""
    return {
        "resourceType": "Bundle",
        "id": str(id_),
        "type": "transaction",
        "entry": [_entry(resource, held.get(key_of(resource))) for resource in resources],
    }


def _entry(resource: Resource, held: Resource | None) -> Resource:
    key = key_of(resource)
    request: dict[str, Value] = {"method": "PUT", "url": key}
    meta = held.get("meta") if held else None
    version = meta.get("versionId") if isinstance(meta, Mapping) else None
    if isinstance(version, str):
        request["ifMatch"] = f'W/"{version}"'
    return {"fullUrl": f"{BASE}/{key}", "resource": resource, "request": request}
