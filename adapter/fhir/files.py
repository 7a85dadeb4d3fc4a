"""Reads the files under `mappings/`: YAML with line numbers and without silent duplicates, JSON, and their digest."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from adapter.errors import MappingError, UsageError

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
T = TypeVar("T")
Lines = dict[tuple[str | int, ...], int]

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def data_dir() -> Path:
    """The folder that holds `mappings/` and `profiles/`: inside the installed package, else beside it in the
    repository.
    """
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_data"
    return packaged if packaged.is_dir() else package.parent


def load_yaml(path: Path) -> tuple[Json, Lines]:
    """The document and the line of each of its keys; a duplicate key is refused, since YAML would keep the last in
    silence.
    """
    try:
        node = yaml.compose(read_text(path), Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise MappingError(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML: {_problem(error)}") from None
    lines: Lines = {}
    return (_value(node, (), path, lines) if node else None), lines


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error)


def _value(node: yaml.Node, at: tuple[str | int, ...], path: Path, lines: Lines) -> Json:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, at, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*at, index), path, lines) for index, child in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, at: tuple[str | int, ...], path: Path, lines: Lines) -> Json:
    values: dict[str, Json] = {}
    for key, child in node.value:
        name = str(key.value)
        if name in values:
            raise MappingError(f"{path}:{key.start_mark.line + 1}: the key {name!r} is there twice; remove one")
        values[name] = _value(child, (*at, name), path, lines)
        lines[(*at, name)] = key.start_mark.line + 1
    return values


def _scalar(node: yaml.Node) -> Json:
    """Strings, whole numbers, true/false and null; a decimal stays text, so that it is never a float."""
    text: str = node.value
    match node.tag.rpartition(":")[2]:
        case "int":
            return int(text)
        case "bool":
            return text.lower() in ("true", "yes", "on")
        case "null":
            return None
    return text


def load_json(path: Path, shape: type[T]) -> T:
    """A JSON file in the given shape."""
    try:
        return msgspec.json.decode(read_bytes(path), type=shape)
    except msgspec.DecodeError as error:
        raise MappingError(f"{path}: {error}") from None


def read_bytes(path: Path) -> bytes:
    """The bytes of a file that must be there."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """The text of a file that must be there and be UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MappingError(f"{path}: not UTF-8 text; save it as UTF-8") from None


def digest(paths: Iterable[Path], root: Path) -> str:
    """`sha256:` over names and contents of files, independent of where they are installed."""
    total = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.relative_to(root).as_posix()):
        content = read_bytes(path)
        total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return f"sha256:{total.hexdigest()}"
