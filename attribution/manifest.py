"""The manifest: what a run read, used, set aside and wrote, with checksums; the same for the same run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from attribution.errors import TableError

NAME, TIMING, PAGE = "manifest.json", "timing.json", "report.html"  # beside the outputs
VERSION = 1
SUM = "sha256"  # of the manifest itself, all but this line


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest, by section.

    >>> Manifest({"run_id": "ab"}).text().splitlines()[1]
    '  "manifest_version": 1,'
    """

    content: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """The hash of what the run was made from."""
        return str(self.content["run_id"])

    def text(self) -> str:
        """Return the manifest as JSON, with its own checksum at the end."""
        content = {"manifest_version": VERSION, **self.content}
        return written({**content, SUM: canonical_sum(content)})

    def changed(self, folder: Path) -> list[str]:
        """Return the outputs that are not in the folder as the run wrote them."""
        return [
            name
            for name, output in self.content["outputs"].items()
            if not (folder / name).is_file() or checksum(folder / name) != output["sha256"]
        ]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Return the manifest of a folder of results, None where there is none.

        Raises:
            TableError: it is not as it was written.
        """
        path = folder / NAME
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_bytes())
            found = content.pop(SUM)
            if found != canonical_sum(content) or content.pop("manifest_version") != VERSION:
                raise ValueError
        except (ValueError, KeyError, AttributeError, TypeError):
            raise TableError.of(
                f"manifest ({path})",
                "it is not as it was written, or another version wrote it",
                f"a manifest of version {VERSION} with its checksum",
                "move the folder away, or replace its results with --force",
            ) from None
        return cls(content)


def written(content: Mapping[str, Any]) -> str:
    """Return the JSON text of a file that people read too."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def canonical_sum(content: Any) -> str:
    """Return the checksum of values, whatever the order of their keys.

    >>> canonical_sum({"a": 1, "b": 2}) == canonical_sum({"b": 2, "a": 1})
    True
    """
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
