"""Configurations: frozen dataclasses filled from a YAML file and `key=value` overrides.

A key that the dataclass does not have is an error that suggests the nearest one; a value of the wrong type is
an error that says what was expected. A `ValueError` from `__post_init__` counts as a wrong value, so a
dataclass checks its ranges there.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from stemless.errors import UsageError

T = TypeVar("T")


class Text(str):
    """A value as it was typed behind `key=`; read as YAML unless a string is wanted."""


def load_configuration(cls: type[T], path: str | Path, overrides: Iterable[str] = ()) -> T:
    """The dataclass `cls` from a YAML file, with overrides like "batch_size=8" or "adam.rate=1e-4" on top.

    Raises:
        UsageError: no such file, not YAML, unknown keys, wrong types or values, a required key missing.
    """
    return from_mapping(cls, apply_overrides(read_yaml(path), overrides), where=Path(path).name)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; an empty file is an empty mapping; a key twice is an error."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise UsageError(f"{path}: cannot be read as a configuration ({reason})") from None
    try:
        content = yaml.load(text, Loader=_NoDuplicates)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise UsageError(f"{path.name}{line}: {problem}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path.name}: expected lines like  key: value , got {_describe(content)}")
    return content


def apply_overrides(content: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """The mapping with "key=value" and "outer.inner=value" set.

    >>> apply_overrides({"batch": 4, "adam": {"rate": 0.1}}, ["adam.rate=1e-4"])
    {'batch': 4, 'adam': {'rate': '1e-4'}}
    """
    result = dict(content)
    for override in overrides:
        dotted, equals, value = override.partition("=")
        keys = [key.strip() for key in dotted.split(".")]
        if not equals or not all(keys):
            raise UsageError(f"{override!r} is not of the form key=value")
        inner = result
        for key in keys[:-1]:
            child = inner.get(key)
            inner[key] = dict(child) if isinstance(child, Mapping) else {}
            inner = inner[key]
        inner[keys[-1]] = Text(value)
    return result


def from_mapping(cls: type[T], content: Mapping[str, Any], *, where: str = "configuration") -> T:
    """The dataclass `cls` from a mapping; `where` opens the messages of errors.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Adam:
    ...     rate: float = 1e-3
    ...     steps: int = 10
    >>> from_mapping(Adam, {"rate": "1e-4"})
    Adam(rate=0.0001, steps=10)
    >>> from_mapping(Adam, {"rates": 1})
    Traceback (most recent call last):
    stemless.errors.UsageError: configuration: unknown key 'rates', did you mean 'rate'?
    """
    return _build(cls, content, where, prefix="")  # type: ignore[no-any-return]


def to_mapping(config: Any) -> dict[str, Any]:
    """A dataclass as plain numbers, strings, lists and dicts that JSON and YAML can hold."""
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def near_name(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """The end of an error about an unknown name: the near name if there is one, else all names.

    >>> near_name("sopran", ["soprano", "alto"])
    "did you mean 'soprano'?"
    >>> near_name("x", ["soprano", "alto"])
    'choose from: soprano, alto'
    """
    known = list(known)
    folded = {candidate.casefold(): candidate for candidate in reversed(known)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f"did you mean {prefix + folded[close[0]]!r}?"
    return "choose from: " + ", ".join(prefix + candidate for candidate in known)


def _build(cls: Any, content: Any, where: str, prefix: str) -> Any:
    if isinstance(content, Text):
        content = yaml.safe_load(content)
    if not isinstance(content, Mapping):
        raise UsageError(f"{where}: {prefix.rstrip('.')!r} needs keys of its own, got {_describe(content)}")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in fields:
            hint = near_name(str(key), fields, prefix=prefix)
            raise UsageError(f"{where}: unknown key {prefix + str(key)!r}, {hint}")
        values[key] = _convert(hints[key], value, where, prefix + key)
    for name, field in fields.items():
        if (
            name not in values
            and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        ):
            raise UsageError(f"{where}: the key {prefix + name!r} is missing")
    try:
        return cls(**values)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _convert(hint: Any, value: Any, where: str, key: str) -> Any:
    """The value as the type `hint` wants it, or a UsageError."""

    def wrong(expected: str) -> UsageError:
        return UsageError(f"{where}: {key!r} must be {expected}, got {_describe(value)}")

    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return _parsed(value)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, key + ".")
    if origin in (Union, types.UnionType):
        return _convert_union(arguments, value, where, key)
    if origin is Literal:
        for choice in arguments:
            if value == choice or (isinstance(value, Text) and value == str(choice)):
                return choice
        raise wrong("one of " + ", ".join(map(str, arguments)))
    if hint is str:
        if not isinstance(value, str):
            raise wrong("a text")
        return str(value)
    if hint is Path:
        if not isinstance(value, str | Path) or not str(value):
            raise wrong("a path")
        return Path(str(value))
    value = _parsed(value)
    if hint is bool:
        if not isinstance(value, bool):
            raise wrong("true or false")
        return value
    if hint is int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong("a whole number")
        return value
    if hint is float:
        number = _number(value)
        if number is None:
            raise wrong("a number")
        return number
    if origin in (tuple, list):
        if isinstance(value, Text) and value.strip().startswith("["):
            value = _parsed(value)  # as in YAML, also for items that hold commas
        if isinstance(value, str):
            value = [Text(part.strip()) for part in value.split(",") if part.strip()]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = [value]
        if not isinstance(value, list | tuple):
            raise wrong("a list")
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
            if len(value) != len(arguments):
                raise wrong(f"a list of {len(arguments)}")
            inner = arguments
        else:
            inner = (arguments[0],) * len(value)
        items = [
            _convert(item_hint, item, where, f"{key}[{index}]")
            for index, (item_hint, item) in enumerate(zip(inner, value, strict=True))
        ]
        return origin(items)
    if origin is dict:
        if not isinstance(value, dict):
            raise wrong("keys with values")
        return {
            str(name): _convert(arguments[1], item, where, f"{key}.{name}") for name, item in value.items()
        }
    raise TypeError(f"the configuration type {hint} of {key!r} is not supported")


def _convert_union(arguments: tuple[Any, ...], value: Any, where: str, key: str) -> Any:
    empty = value is None or (isinstance(value, Text) and value.strip().lower() in ("", "null", "none", "~"))
    if type(None) in arguments and empty:
        return None
    choices = [argument for argument in arguments if argument is not type(None)]
    for index, choice in enumerate(choices):
        try:
            return _convert(choice, value, where, key)
        except UsageError:
            if index == len(choices) - 1:
                raise
    raise TypeError(f"the configuration type of {key!r} has no value")


def _parsed(value: Any) -> Any:
    if not isinstance(value, Text):
        return value
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        return str(value)
    number = _number(parsed) if isinstance(parsed, str) else None
    return parsed if number is None else number


def _number(value: Any) -> float | None:
    """A finite number, also one like 1e-4, which YAML 1.1 takes for text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _describe(value: Any) -> str:
    if isinstance(value, Mapping):
        return "keys with values"
    return "nothing" if value is None else repr(str(value) if isinstance(value, Text) else value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class _NoDuplicates(yaml.SafeLoader):
    """PyYAML lets the last of two equal keys win; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float | bool | None) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            if isinstance(key, str | int | float | bool | None):
                seen.add(key)
        return super().construct_mapping(node, deep=deep)
