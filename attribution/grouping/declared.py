"""Declared: files of rules and sites that an analyst may write as well, every fault told with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from attribution.errors import ParameterError, closest, shown

LARGEST = 1 << 20  # bytes of such a file


def load_toml(path: Any, what: str) -> tuple[dict[str, Any], str]:
    """Return what a TOML file holds, and how it is called in what is told of it.

    Raises:
        ParameterError: what is given is no path, or the file is not there, too large, or no TOML.
    """
    if not isinstance(path, (str, Path)):
        raise ParameterError.out_of_range(what, path, "the path of a TOML file")
    where, path = f"{what} file {path}", Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ParameterError(f"{where}: got {size:,} bytes, expected at most {LARGEST:,}")
        return tomllib.loads(path.read_text(encoding="utf-8-sig")), where
    except OSError as error:
        raise ParameterError(f"{where}: cannot be read: {error.strerror}; check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParameterError(f"{where}: is no TOML: {error or 'nested too deeply'}") from None
    except ValueError as error:
        raise ParameterError(f"{where}: is no path of a file: {error}") from None


def check_keys(given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Raise ParameterError where there is a key that means nothing."""
    for key in given:
        if key not in known:
            raise ParameterError(
                f"{where}: unknown key {shown(key)}{closest(key, known)}; known: {', '.join(known)}"
            )


def text_of(given: Mapping[str, Any], key: str, where: str, meaning: str) -> str:
    """Return the text of a key that has to be there; ParameterError where it is not, or blank."""
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        got = shown(value) if key in given else "nothing"
        raise ParameterError(f"{where}: got {got} as {key}, expected {meaning}, as text")
    return value.strip()


def table_of(given: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """Return the table of a key, an empty one where it is absent; ParameterError where it is none."""
    value = given.get(key, {})
    if not isinstance(value, dict):
        raise ParameterError(f"{where}: got {shown(value)} as {key}, expected a table [{key}]")
    return value
