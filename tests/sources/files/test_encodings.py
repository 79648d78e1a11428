"""Encodings of files, and files that are not text."""

import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import SourceError
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.encodings import decode_line
from tests.sources.files.conftest import piped_lines
from tests.sources.files.packing import zipped

LINES = [
    "Zeit;Außentemperatur °C;Leistung W",
    *(f"2024-03-12 17:{i:02};7.5;{i}" for i in range(60)),
]
TEXT = "\r\n".join([*LINES, ""])

ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1252",
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_are_recognised(lines_of, encoding):
    assert lines_of(TEXT.encode(encoding)) == LINES
    assert piped_lines(TEXT.encode(encoding), range(0, 3000, 31)) == LINES


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-32-be", "utf-32-le"])
def test_byte_order_marks_are_removed(lines_of, encoding):
    assert lines_of(("\ufeff" + TEXT).encode(encoding)) == LINES


def test_utf16_of_other_letters(lines_of):
    text = "时间;功率\r\n1;2\r\n"
    assert lines_of(text.encode("utf-16")) == ["时间;功率", "1;2"]


def test_utf16_cut_in_the_middle_of_a_letter(lines_of):
    assert lines_of("t;p\n1;2\n".encode("utf-16")[:-3]) == ["t;p", "1;\ufffd"]


def test_one_damaged_line_does_not_change_the_others(lines_of):
    damaged = "Zeit;°C\n1;ä\n".encode() + b"2;\xff\n" + "3;ä\n".encode()
    assert lines_of(damaged) == ["Zeit;°C", "1;ä", "2;ÿ", "3;ä"]


@given(line=st.binary())
def test_any_line_can_be_decoded(line):
    text = decode_line(line)
    try:
        assert text == line.decode()
    except UnicodeDecodeError:
        assert len(text) == len(line)
        assert not any("\ud800" <= char <= "\udfff" for char in text)


def database(tmp_path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table x (y)")
    connection.close()
    return path.read_bytes()


GREEN_BUTTON = b"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><entry><content>
<IntervalBlock xmlns="http://naesb.org/espi"></IntervalBlock></content></entry></feed>
"""
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132960755\n"

NAMED = {
    "git lfs": (LFS, "git lfs pull"),
    "green button": (GREEN_BUTTON, "is Green Button XML; .* CSV"),
    "green button, utf-16": (GREEN_BUTTON.decode().encode("utf-16"), "is Green Button XML"),
    "xml": (b'<?xml version="1.0"?>\n<a/>', "is XML; convert it to CSV"),
    "xml without declaration": (b'<ns1:feed xmlns:ns1="http://naesb.org/espi">', "Green Button"),
    "excel xml": (
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
        r"is an Excel workbook \(XML\); save the sheet as CSV",
    ),
    "html": (
        b"\n <!DOCTYPE html>\n<html><head><title>Just a\nmoment</title>",
        r"is a web page \('Just a moment'\), not data; sign in if necessary",
    ),
    "html with an endless title": (b"<html><title>" + b" " * 9000, "is a web page, not data"),
    "html without title": (b"<HTML><body>Error 404</body>", "is a web page, not data"),
    "html table": (
        b'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><table><tr><td>1</td></tr>',
        "is a table in HTML, .* save it as CSV",
    ),
    "html table alone": (b"<table><tr><td>1</td></tr></table>", "is a table in HTML"),
    "sign-in page with a table": (
        b"<html><body><table><tr><td><form><input type='password'>",
        "is a web page, not data",
    ),
    "sql": (b"-- MySQL dump 10.13\n", "is a dump of a database; load it"),
    "link": (b"[InternetShortcut]\r\nURL=https://x/", "is a link, not the file itself"),
    "http": (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\ntime;p\r\n", "HTTP headers"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), r"Excel workbook \(\.xls\); save"),
    "xlsx": (
        zipped({"[Content_Types].xml": "<a/>", "xl/workbook.xml": "<a/>"}),
        r"is an Excel workbook \(\.xlsx\); save the sheet as CSV",
    ),
    "docx": (zipped({"[Content_Types].xml": "", "word/document.xml": ""}), "Microsoft Office"),
    "ods": (zipped({"mimetype": "x", "content.xml": "<a/>"}), r"OpenDocument .* as CSV"),
    "xlsx in a zip": (
        zipped({"a.xlsx": zipped({"[Content_Types].xml": "<a/>", "xl/a.xml": "<a/>"})}),
        r"is an Excel workbook \(\.xlsx\)",
    ),
    "numbers": (zipped({"Index/Document.iwa": "x"}), "document of Numbers; export it as CSV"),
    "keras": (zipped({"config.json": "{}", "model.weights.h5": "x"}), "--model FILE"),
    "npz": (zipped({"a.npy": "x"}), "file of NumPy arrays"),
    "jar": (zipped({"META-INF/MANIFEST.MF": "x"}), "Java program"),
    "home assistant": (
        zipped({"backup.json": "{}", "homeassistant.tar.gz": "x"}),
        "backup of Home Assistant; export the history",
    ),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(500), "HDF5 file; .*/building1/elec/meter1"),
    "parquet": (b"PAR1\x15\x04\x15", "is a Parquet file; write it as CSV"),
    "feather": (b"ARROW1\0\0\xff", "Feather"),
    "pickle": (b"\x80\x04\x95\x10\x00\x00", "is a pickle of Python, which is not opened"),
    "pickle 2": (b"\x80\x02}q\x00", "pickle of Python"),
    "numpy": (b"\x93NUMPY\x01\x00v\x00", "NumPy array"),
    "matlab": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB file"),
    "r": (b"RDX3\nX\n\0\0\0", "R data"),
    "rds": (b"X\n\0\0\0\3\0\4", "R data"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF document; get the data as CSV"),
    "png": (b"\x89PNG\r\n\x1a\n", r"picture \(PNG\)"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", r"picture \(JPEG\)"),
    "gif": (b"GIF89a\1\0\1\0", r"picture \(GIF\)"),
    "program": (b"\x7fELF\x02\x01\x01\0", "is a program"),
    "rtf": (b"{\\rtf1\\ansi time;power}", r"text document \(\.rtf\)"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "7-Zip archive; unpack it first: 7z x"),
    "rar": (b"Rar!\x1a\x07\x01\0", "RAR archive; unpack it first"),
    "zstd": (b"\x28\xb5\x2f\xfd\x24\x0c", "compressed by zstd; unpack it first: zstd -d"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40", "compressed by lz4"),
    "compress": (b"\x1f\x9d\x90t", r"compressed by compress \(\.Z\)"),
    "pgp": (b"-----BEGIN PGP MESSAGE-----\n", "is encrypted"),
    "nul bytes": (bytes(3000), r"is empty space \(NUL bytes\)"),
    "nul bytes at first": (bytes(700) + TEXT.encode(), r"empty space \(NUL bytes\)"),
    "binary": (b"\x01\x02\x00\x05abc" * 9, "is not text"),
    "control characters": (b"\x01\x02\x03\x05abc\n" * 9, "is not text"),
}


@pytest.mark.parametrize("name", NAMED)
def test_other_formats_are_named(lines_of, name):
    content, words = NAMED[name]
    with pytest.raises(SourceError, match=words) as caught:
        lines_of(content, "house.csv")
    assert str(caught.value).startswith("house.csv is ")
    assert str(caught.value).isprintable()
    if not content.startswith(b"PK"):
        with pytest.raises(SourceError, match=words):
            piped_lines(content, range(0, 3000, 3))


def test_sqlite_is_named(lines_of, tmp_path):
    with pytest.raises(SourceError, match=r"SQLite database; .* sqlite3 -header -csv"):
        lines_of(database(tmp_path))


def test_real_files_of_numpy_are_named(lines_of, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3))
    np.savez(tmp_path / "x.npz", a=np.arange(3))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(SourceError, match="NumPy"):
            lines_of((tmp_path / name).read_bytes())


@pytest.mark.parametrize(
    "text",
    [
        "<DATE>,<TIME>,<P>\n1,2,3\n",
        "<13>Mar 12 17:00:00 meter 250\n",
        "PAR1;PAR2\n1;2\n",
        "PK;x\n",
        "BZh;x\n",
        "MZ;x\n",
        "X\n1\n",
        "GIF8;x\n",
        "time;power\n1;2\0\n",
        "\x1b[0mtime;power\n",
        "(t);p\n",
        "<html_total>;p\n",
    ],
)
def test_text_is_not_taken_for_another_format(lines_of, text):
    assert lines_of(text.encode()) == text.split("\n")[:-1]


@pytest.mark.parametrize(
    "first", [b"t", b"time;power\n", b"\n", b"PK", b"\xef\xbb\xbfa;b\n", b"\x89"]
)
def test_a_pipe_need_not_give_more_than_a_line(stdin, first):
    stdin.write(first)
    if b"\n" not in first.strip(b"\n"):
        stdin.write(b"x;y\n")
    _, stream = open_bytes("-")
    assert stream.read().startswith(first)
    stdin.write(b"1;2\n")
    assert stream.read().endswith(b"1;2\n")
    stdin.close()
    assert stream.read() == b""
