"""HL7's logical models of CDS Hooks as JSON Schema: CDSHooksServices, CDSHooksRequest, CDSHooksResponse, CDSHooksFeedback.

Transcribed from the StructureDefinitions of the HL7/cds-hooks repository: cardinalities, types, required bindings and,
by their keys, the constraints (cds-resp-6 and so on). Where CDS Hooks 2.0 is stricter, it is followed.
"""

from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]
_UUID = {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"}
_TEXT: Json = {"type": "string", "minLength": 1}
_URL: Json = {"type": "string", "pattern": "^https?://"}
_RESOURCE: Json = {"type": "object", "required": ["resourceType"]}


def _object(required: str, **properties: Json) -> Json:
    """A closed object; every one may be extended by `extension`."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": {**properties, "extension": {"type": "object"}},
        "additionalProperties": False,
    }


def _list(of: Json, least: int = 0) -> Json:
    return {"type": "array", "items": of, "minItems": least}


def _one_of(*values: str) -> Json:
    return {"enum": list(values)}


_CODING = _object("code", code=_TEXT, system=_URL, display=_TEXT, version=_TEXT, userSelected={"type": "boolean"})
_ACTION = _object(  # cds-resp-5: every action has a description; cds-resp-2: resourceId only where it is deleted
    "type description",
    type=_one_of("create", "update", "delete"), description=_TEXT, resource=_RESOURCE, resourceId=_TEXT,
) | {"if": {"properties": {"type": {"const": "delete"}}}, "else": {"required": ["resource"]}}  # fmt: skip
_SUGGESTION = _object(
    "label",
    label=_TEXT, uuid=_UUID, isRecommended={"type": "boolean"}, actions=_list(_ACTION, 1),
    actionSelectionBehavior=_one_of("all", "any", "at-most-one"),
)  # fmt: skip
_LINK = _object(
    "label url type",
    label=_TEXT, url=_URL, type=_one_of("absolute", "smart"), appContext=_TEXT, autoLaunchable={"type": "boolean"},
)  # fmt: skip
_CARD = _object(
    "summary indicator source",
    uuid=_UUID,
    summary={"type": "string", "minLength": 1, "maxLength": 139},
    detail=_TEXT,
    indicator=_one_of("info", "warning", "critical"),
    source=_object("label", label=_TEXT, url=_URL, icon=_URL, topic=_CODING),
    suggestions=_list(_SUGGESTION, 1),
    selectionBehavior=_one_of("at-most-one", "any"),
    overrideReasons=_list(_CODING, 1),
    links=_list(_LINK, 1),
) | {"dependentRequired": {"suggestions": ["selectionBehavior"]}}  # cds-resp-6
_SERVICE = _object(
    "hook description id",
    hook={"type": "string", "pattern": "^[a-z0-9-]+$"}, title=_TEXT, description=_TEXT, id={"type": "string", "pattern": "^[A-Za-z0-9.-]+$"},
    prefetch={"type": "object", "additionalProperties": _TEXT}, usageRequirements=_TEXT,
)  # fmt: skip
_ANSWER = _object(
    "card outcome outcomeTimestamp",
    card=_UUID,
    outcome=_one_of("accepted", "overridden"),  # cds-fb-1
    acceptedSuggestions=_list(_object("id", id=_UUID), 1),
    overrideReason=_object("", reason=_CODING, userComment=_TEXT) | {"minProperties": 1},  # cds-fb-3
    outcomeTimestamp={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"},
) | {
    "if": {"properties": {"outcome": {"const": "accepted"}}},
    "then": {"required": ["acceptedSuggestions"]},
}  # cds-fb-2

SCHEMAS: dict[str, Json] = {
    "services": _object("services", services=_list(_SERVICE)),
    "response": _object("cards", cards=_list(_CARD), systemActions=_list(_ACTION)),
    "feedback": _object("feedback", feedback=_list(_ANSWER, 1)),
    "request": _object(
        "hook hookInstance context",
        hook=_TEXT, hookInstance=_UUID, fhirServer=_URL, context={"type": "object"}, prefetch={"type": "object"},
        fhirAuthorization=_object(
            "access_token token_type expires_in scope subject",
            access_token=_TEXT, token_type={"const": "Bearer"}, expires_in={"type": "integer"}, scope={"type": "string"},
            subject=_TEXT, patient=_TEXT,
        ),
    ) | {"dependentRequired": {"fhirAuthorization": ["fhirServer"]}},
}  # fmt: skip


def faults(name: str, document: Any) -> list[str]:
    """What is wrong with a document, by place; nothing where it is as HL7 says."""
    found = Draft202012Validator(SCHEMAS[name]).iter_errors(document)
    return sorted(f"{error.json_path}: {error.message[:200]}" for error in found)
