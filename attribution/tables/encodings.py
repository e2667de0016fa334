"""Encodings: text files are UTF-8, and where one is not, its first foreign byte is named."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from attribution.errors import TableError


def skip_mark(file: BinaryIO, where: str) -> None:
    """Go to where the text begins, behind a byte order mark; raise TableError if that is of UTF-16."""
    start = file.read(3)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise encoding_error(where, "UTF-16", 0)
    file.seek(3 if start == codecs.BOM_UTF8 else 0)


def wrong_encoding(file: BinaryIO, where: str) -> TableError:
    """Return the error that names the first byte that is not UTF-8."""
    decoder, offset = codecs.getincrementaldecoder("utf-8")(), 0
    file.seek(0)
    while block := file.read(1 << 20):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return encoding_error(
                where, "not UTF-8 (Latin-1 or Windows-1252?)", offset - pending + error.start
            )
        offset += len(block)
    return encoding_error(where, "not UTF-8", offset)


def encoding_error(where: str, encoding: str, offset: int) -> TableError:
    """Return the error of a text file in another encoding than UTF-8."""
    return TableError.of(
        where,
        f"encoding is {encoding}: first seen at byte {offset:,}",
        "UTF-8 (a byte order mark is fine)",
        "save the file as UTF-8, for example with: iconv -t UTF-8",
    )
