"""Names of other formats, by their first bytes, and advice for each."""

from __future__ import annotations

import re
from collections.abc import Collection

from streamer.display.lines import shorten

_UNPACK = "unpack it first"
_AS_CSV = "write its table as CSV"
_DUMP = "a dump of a database"
_FROM_DATABASE = "load it into the database, and export the table as CSV"

# First bytes, the format, and what to do.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file",
        "write one of its tables as CSV; from ukdale.h5, in Python with pandas: "
        "read_hdf(FILE, '/building1/elec/meter1').to_csv('house1.csv')",
    ),
    (
        b"PAR1\x15",
        "a Parquet file",
        "write it as CSV, in Python: pandas.read_parquet(FILE).to_csv()",
    ),
    (
        b"ARROW1\x00",
        "an Arrow (Feather) file",
        "write it as CSV: pandas.read_feather(FILE).to_csv()",
    ),
    (b"FEA1\x00", "a Feather file", "write it as CSV: pandas.read_feather(FILE).to_csv()"),
    (b"Obj\x01", "an Avro file", _AS_CSV),
    (
        b"SQLite format 3\x00",
        "an SQLite database",
        "give a recording by its path; write a table of another one as CSV: "
        "sqlite3 -header -csv FILE 'SELECT …'",
    ),
    (b"\x93NUMPY", "a NumPy array", "write it as CSV, with times: numpy.savetxt"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", _AS_CSV),
    (b"RDX2\n", "R data", "write it as CSV, in R: write.csv"),
    (b"RDX3\n", "R data", "write it as CSV, in R: write.csv"),
    (b"X\n\x00\x00\x00", "R data", "write it as CSV, in R: write.csv(readRDS(FILE))"),
    (b"CDF\x01", "a NetCDF file", _AS_CSV),
    (b"CDF\x02", "a NetCDF file", _AS_CSV),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", "save the sheet as CSV"),
    (b"{\\rtf", "a text document (.rtf)", "save it as plain text"),
    (b"%PDF-", "a PDF document", "get the data as CSV"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)", "give the data, not their picture"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "give the data, not their picture"),
    (b"GIF87a", "a picture (GIF)", "give the data, not their picture"),
    (b"GIF89a", "a picture (GIF)", "give the data, not their picture"),
    (b"\x7fELF", "a program", "give the path of the data"),
    (b"bplist00", "a property list", _AS_CSV),
    (b"-----BEGIN PGP MESSAGE", "encrypted (PGP)", "decrypt it first: gpg -d"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", f"{_UNPACK}: zstd -d"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", f"{_UNPACK}: lz4 -d"),
    (b"LZIP\x01", "compressed by lzip", f"{_UNPACK}: lzip -d"),
    (b"\x1f\x9d", "compressed by compress (.Z)", f"{_UNPACK}: gzip -d"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", f"{_UNPACK}: 7z x"),
    (b"Rar!\x1a\x07", "a RAR archive", f"{_UNPACK}: unrar x"),
    (b"-- MySQL dump", _DUMP, _FROM_DATABASE),
    (b"-- MariaDB dump", _DUMP, _FROM_DATABASE),
    (b"--\n-- PostgreSQL database dump", _DUMP, _FROM_DATABASE),
    (b"PRAGMA foreign_keys=OFF;", _DUMP, _FROM_DATABASE),
    (b"[InternetShortcut]", "a link, not the file itself", "open it, and download the file"),
    (b"HTTP/1.", "an answer with its HTTP headers", "get it without them: curl without -i"),
    (b"HTTP/2 ", "an answer with its HTTP headers", "get it without them: curl without -i"),
    (
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS, not the file itself",
        "get the file: git lfs pull",
    ),
)

MAGICS = tuple(magic for magic, _, _ in _SIGNATURES)
"""First bytes of the formats."""

_PICKLE = re.compile(rb"\x80[\x02-\x05][\x00-\x20(\]}\x8c\x95c]")
_JSON = re.compile(rb'\{\s*(["}]|$)|\[\s*([\[{"\]\d-]|true|false|null|NaN|$)')
_MARKUP = re.compile(
    rb"<(\?xml|!--|!doctype|(html|head|body|title|script|meta|svg|table)\b)", re.IGNORECASE
)
_XML_ROOT = re.compile(rb"<[a-z][\w:.-]*\s[^<>]*xmlns", re.IGNORECASE)
_HTML = re.compile(rb"<(!doctype html|html|head|body)\b", re.IGNORECASE)
_FORM = re.compile(rb"<form\b|type=.?password", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_CONTROL = bytes(range(1, 9)) + bytes(range(14, 27)) + bytes(range(28, 32))
_MAX_CONTROL_SHARE = 0.1


def binary_format(head: bytes) -> str | None:
    """Name a format that is not text, and the remedy; None if the bytes may be text.

    Args:
        head: the first line, or as much of it as has been seen.
    """
    for magic, kind, remedy in _SIGNATURES:
        if head.startswith(magic):
            return f"{kind}; {remedy}"
    if _PICKLE.match(head):
        return "a pickle of Python, which is not opened, since it may run code; " + _AS_CSV
    if not head:
        return None
    if not head.strip(b"\0"):
        return "empty space (NUL bytes), as after an interrupted copy; get the file again"
    control = len(head) - len(head.translate(None, _CONTROL))
    if b"\0" in head or control > _MAX_CONTROL_SHARE * len(head):
        return f"not text; {_AS_CSV}, and give that"
    return None


def may_be_json(head: bytes) -> bool:
    """Whether a text begins like a JSON object or array, by its first line."""
    return bool(_JSON.match(head))


def may_be_markup(head: bytes) -> bool:
    """Whether a text begins like XML or HTML, by its first line."""
    return bool(_MARKUP.match(head) or _XML_ROOT.match(head))


def markup_format(text: bytes) -> str:
    """Name the kind of a text for which `may_be_markup` holds, and the remedy.

    Args:
        text: its first few kilobytes.

    >>> markup_format(b"<html><title>Sign in</title>")
    "a web page ('Sign in'), not data; sign in if necessary, and download the file again"
    """
    if b"naesb.org/espi" in text:
        return (
            "Green Button XML; get the same data as CSV (Green Button Download My Data mostly "
            "offers both), or convert it to CSV with a column of times and one of values"
        )
    if re.search(rb"<table\b", text, re.IGNORECASE) and not _FORM.search(text):
        return (
            "a table in HTML, as some portals export under the name .xls; open it in a "
            "spreadsheet program, and save it as CSV"
        )
    if _HTML.search(text):
        found = _TITLE.search(text)
        title = " ".join(found[1].decode("utf-8", "replace").split()) if found else ""
        shown = f" ({shorten(title, 60)})" if title else ""
        return f"a web page{shown}, not data; sign in if necessary, and download the file again"
    if b"urn:schemas-microsoft-com:office:spreadsheet" in text:
        return "an Excel workbook (XML); save the sheet as CSV"
    return "XML; convert it to CSV with a column of times and one of values"


def archive_format(names: Collection[str]) -> str | None:
    """Name a format that is based on zip or tar, and the remedy; None for a plain archive.

    Args:
        names: names of the members.

    >>> archive_format(["mimetype", "content.xml", "styles.xml"])
    'an OpenDocument file (.ods, .odt); save its table as CSV'
    """
    known = set(names)
    if "[Content_Types].xml" in known:
        if any(name.startswith("xl/") for name in known):
            return "an Excel workbook (.xlsx); save the sheet as CSV"
        return "a document of Microsoft Office; save its table as CSV"
    if {"mimetype", "content.xml"} <= known:
        return "an OpenDocument file (.ods, .odt); save its table as CSV"
    if any(name.endswith(".iwa") for name in known):
        return "a document of Numbers; export it as CSV"
    if "META-INF/MANIFEST.MF" in known:
        return "a Java program; give the path of the data"
    if {"config.json", "model.weights.h5"} <= known:
        return "a model of Keras; give it as --model FILE, and a file of readings"
    if known and all(name.endswith(".npy") for name in known):
        return "a file of NumPy arrays; write them as CSV, with times: numpy.savetxt"
    if "backup.json" in known and any(name.startswith("homeassistant.tar") for name in known):
        return "a backup of Home Assistant; export the history of the sensor as CSV there"
    return None
