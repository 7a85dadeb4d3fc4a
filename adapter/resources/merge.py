"""Three-way merge of a resource that this program wrote, people edited, and this program would write anew."""

from adapter.resources.shape import DIGEST, Resource, Value, mappings, plain, sealed

_NOT_COMPARED = ("resourceType", "id", "meta", "text")


def merged(base: Resource, theirs: Resource, ours: Resource) -> tuple[Resource, tuple[str, ...]]:
    """What is to stand there, and the elements that people changed against what this program would write.

    `base` is what it last wrote. An element that people have changed since stays as they left it.
    """
    found: dict[str, Value] = {name: ours[name] for name in _NOT_COMPARED if name in ours}
    kept = []
    for name in dict.fromkeys((*ours, *theirs)):
        if name in _NOT_COMPARED:
            continue
        before, there, new = (_element(one, name) for one in (base, theirs, ours))
        if there == before:
            value = _raw(ours, name)
        else:
            value = _raw(theirs, name)
            kept += [name] if new != there else []
        if value is not None:
            found[name] = value
    return (sealed(found) if mappings(ours.get("extension")) else found), tuple(kept)


def _raw(resource: Resource, name: str) -> Value | None:
    if name == "extension":
        return [one for one in mappings(resource.get(name)) if one.get("url") != DIGEST] or None
    return resource.get(name)


def _element(resource: Resource, name: str) -> Value | None:
    value = _raw(resource, name)
    return None if value is None else plain(value)
