"""Compressed files and archives, one in another, from files and from pipes."""

import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import SourceError, StreamerError, UsageError
from streamer.sources.files import compression, streams, ziparchive
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.compression import DecompressedStream
from streamer.sources.files.streams import CHUNK_BYTES, RawFile
from tests.sources.files.conftest import piped_lines, read_lines
from tests.sources.files.packing import NEEDS_FILE, PACKERS, lzma_alone, tarred, zipped

ROWS = [f"2013-05-21 {i // 60:02}:{i % 60:02};{i}" for i in range(900)]
TEXT = "\n".join(["time;power_w", *ROWS]).encode() + b"\n"
LINES = TEXT.decode().splitlines()


@pytest.mark.parametrize("name", PACKERS)
def test_a_container_is_read_under_any_name(lines_of, name):
    assert lines_of(PACKERS[name](TEXT)) == LINES
    assert lines_of(PACKERS[name](TEXT), "house.zip") == LINES


@pytest.mark.parametrize("name", sorted(set(PACKERS) - set(NEEDS_FILE)))
def test_a_container_is_read_from_a_pipe(name):
    assert piped_lines(PACKERS[name](TEXT), range(0, 3000, 177)) == LINES


@pytest.mark.parametrize("name", NEEDS_FILE)
def test_a_zip_from_a_pipe_is_refused_with_advice(name):
    with pytest.raises(UsageError, match="unzip -p"):
        piped_lines(PACKERS[name](TEXT))


TEXTS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30), max_size=20
)


@given(
    texts=TEXTS,
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    inner=st.sampled_from([*PACKERS]),
    outer=st.sampled_from([*PACKERS]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    cuts=st.lists(st.integers(0, 4000), max_size=6),
)
def test_any_container_gives_the_lines_of_the_text(texts, line_end, inner, outer, encoding, cuts):
    plain = ["time;power_w", *texts]
    packed = PACKERS[outer](PACKERS[inner](line_end.join([*plain, ""]).encode(encoding)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "house")
        path.write_bytes(packed)
        assert read_lines(path) == plain
    if outer not in NEEDS_FILE and inner not in NEEDS_FILE:
        assert piped_lines(packed, cuts) == plain


@given(
    name=st.sampled_from([*PACKERS]),
    place=st.integers(0, 3000),
    damage=st.binary(max_size=40),
    is_cut=st.booleans(),
)
def test_any_damage_gives_lines_or_one_line_of_error(name, place, damage, is_cut):
    whole = PACKERS[name](TEXT)
    place %= len(whole)
    rest = b"" if is_cut else whole[place + len(damage) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "house")
        path.write_bytes(whole[:place] + damage + rest)
        try:
            read_lines(path)
        except StreamerError as error:
            assert str(error).isprintable()  # noqa: PT017 - any or none


@pytest.mark.parametrize("name", PACKERS)
def test_progress_increases_to_one(tmp_path, monkeypatch, name):
    monkeypatch.setattr(streams, "CHUNK_BYTES", 512)
    path = tmp_path / "house"
    path.write_bytes(PACKERS[name](TEXT))
    _, stream = open_bytes(path)
    shares = [stream.progress]
    while stream.read():
        shares.append(stream.progress)
    shares.append(stream.progress)
    stream.close()
    assert all(0 <= a <= b <= 1 for a, b in pairwise(shares))
    assert shares[-1] == 1
    if name in ("gzip", "tar.gz", "zip", "tar"):
        assert len(shares) > 20
        assert shares[len(shares) // 2] == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("name", sorted(set(PACKERS) - {"plain"}))
def test_a_container_that_is_cut_in_the_middle_is_an_error(lines_of, name):
    packed = PACKERS[name](TEXT)
    with pytest.raises(SourceError, match=r"truncated|usable zip|damaged"):
        lines_of(packed[: len(packed) // 2])


class TestMembers:
    MANY: ClassVar = {
        "data/": b"",
        "data/house.csv": TEXT,
        "README.md": b"# House",
        "household_power_consumption.names": b"About",
        "LICENSE": b"CC BY",
        "paper.pdf": b"%PDF-",
        "empty.csv": b"",
        "__MACOSX/data/._house.csv": b"\0",
        ".DS_Store": b"\0",
        "data/house.xlsx": b"PK",
        "metadata.csv": b"house;1",
        "docs\\readme.txt": b"!",
    }

    def test_what_is_plainly_no_data_is_set_aside(self, lines_of):
        assert lines_of(zipped(self.MANY)) == LINES
        files = {name: text for name, text in self.MANY.items() if not name.endswith("/")}
        assert lines_of(tarred(files)) == LINES
        assert piped_lines(tarred(files)) == LINES

    def test_a_single_file_is_read_whatever_its_name(self, lines_of):
        assert lines_of(zipped({"README": TEXT})) == LINES
        assert lines_of(tarred({"./notes.md": TEXT})) == LINES

    @pytest.mark.parametrize("pack", [zipped, tarred])
    def test_several_files_are_listed_with_the_option(self, lines_of, pack):
        packed = pack({"a b.csv": TEXT, "b.csv": b"time;kw\n1;2\n", "c/d.csv": b"x"})
        with pytest.raises(UsageError) as caught:
            lines_of(packed)
        assert str(caught.value) == (
            "house.csv contains 3 files (a b.csv, b.csv, c/d.csv); choose one: --member 'a b.csv'"
        )
        assert lines_of(packed, member="a b.csv") == LINES
        assert lines_of(packed, member="b.csv") == ["time;kw", "1;2"]
        assert lines_of(packed, member="d.csv") == ["x"]

    def test_a_member_in_an_inner_archive(self, lines_of):
        inner = zipped({"x.csv": TEXT, "y.csv": b"y"})
        packed = zipped({"one.zip": inner, "two.zip": zipped({"x.csv": b"other"})})
        assert lines_of(packed, member="one.zip/x.csv") == LINES
        assert lines_of(packed, member="two.zip") == ["other"]
        assert lines_of(zipped({"one.zip": inner}), member="x.csv") == LINES
        with pytest.raises(UsageError, match=r"2 files \(x\.csv, y\.csv\); choose"):
            lines_of(packed, member="one.zip")

    def test_a_member_that_does_not_exist(self, lines_of):
        packed = zipped({"a.csv": TEXT, "b.csv": TEXT})
        with pytest.raises(UsageError, match=r"\(a\.csv, b\.csv\), but no 'c\.csv'; choose one"):
            lines_of(packed, member="c.csv")
        for content in (TEXT, gzip.compress(TEXT), zipped({"a.csv": TEXT})):
            with pytest.raises(UsageError, match=r"contains no 'c\.csv'; leave out --member"):
                lines_of(content, member="c.csv")
        with pytest.raises(UsageError, match=r"contains no 'c\.csv'"):
            piped_lines(tarred({"a.csv": TEXT}), member="c.csv")

    def test_names_are_safe_to_print(self, lines_of):
        packed = zipped({"\x1b[2J.csv": TEXT, "b.csv": TEXT})
        with pytest.raises(UsageError) as caught:
            lines_of(packed)
        assert str(caught.value).isprintable()

    def test_a_second_file_in_a_pipe_is_an_error_after_the_first(self):
        packed = tarred({"a.csv": TEXT, "b.csv": TEXT})
        with pytest.raises(UsageError, match=r"a\.csv, which has been read, but b\.csv, too"):
            piped_lines(packed)
        assert piped_lines(packed, member="b.csv") == LINES
        assert piped_lines(packed, member="a.csv") == LINES

    def test_without_a_file_with_data(self, lines_of):
        for packed in (zipped({".hidden": TEXT}), tarred({"a/.hidden": TEXT}), tarred({"a": b""})):
            with pytest.raises(SourceError, match="contains no file with data; get it again"):
                lines_of(packed)
        assert lines_of(zipped({"house.csv": b""})) == []
        with pytest.raises(SourceError, match="contains no file with data; get it again"):
            piped_lines(tarred({"a/.hidden": TEXT}))


class TestBounds:
    def test_too_many_levels(self, lines_of):
        packed = TEXT
        for _ in range(6):
            packed = gzip.compress(packed)
        assert lines_of(packed) == LINES
        with pytest.raises(SourceError, match="more than 6 archives in one another"):
            lines_of(gzip.compress(packed))

    def test_an_inner_zip_of_unbounded_size(self, lines_of, monkeypatch):
        monkeypatch.setattr(ziparchive, "_MAX_INNER_BYTES", 1000)
        with pytest.raises(SourceError, match="more than 1 GiB; unpack it first"):
            lines_of(zipped({"house.zip": zipped({"house.csv": TEXT})}))

    def test_an_enormous_name(self, lines_of):
        packed = tarred({"n" * 300: TEXT}, tarfile.GNU_FORMAT)
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
        with pytest.raises(SourceError, match="a name is too long"):
            lines_of(info.tobuf(tarfile.GNU_FORMAT) + packed)

    def test_a_dictionary_larger_than_the_memory_allowed(self, lines_of, monkeypatch):
        monkeypatch.setattr(compression, "_MAX_XZ_MEMORY", 1 << 20)
        with pytest.raises(SourceError, match="Memory usage limit"):
            lines_of(lzma.compress(TEXT))


class TestUnusualTars:
    def test_links_folders_and_devices_are_passed_over(self, lines_of):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
                info = tarfile.TarInfo(f"x{kind!r}")
                info.type, info.linkname = kind, "house.csv"
                archive.addfile(info)
            info = tarfile.TarInfo("house.csv")
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))
        assert lines_of(file.getvalue()) == LINES

    def test_a_sparse_file_is_refused(self, lines_of):
        info = tarfile.TarInfo("house.csv")
        info.type, info.size = tarfile.GNUTYPE_SPARSE, 10
        with pytest.raises(SourceError, match="contains a sparse file; unpack it first"):
            lines_of(info.tobuf(tarfile.GNU_FORMAT) + b"x" * 512)

    def test_a_size_in_an_extended_header_counts(self, lines_of):
        info = tarfile.TarInfo("house.csv")
        info.pax_headers = {"size": str(len(TEXT))}
        packed = info.tobuf(tarfile.PAX_FORMAT) + TEXT + bytes(-len(TEXT) % 512 + 1024)
        assert lines_of(packed) == LINES


class TestZips:
    def test_an_encrypted_member(self, lines_of):
        packed = bytearray(zipped({"house.csv": TEXT}))
        packed[packed.index(b"PK\x01\x02") + 8] |= 1
        with pytest.raises(SourceError, match=r"house\.csv: house\.csv is encrypted; unpack it"):
            lines_of(bytes(packed))

    def test_an_unusual_compression(self, lines_of):
        with pytest.raises(SourceError, match="unusual compression method; unpack it first"):
            lines_of(zipped({"house.csv": TEXT}, zipfile.ZIP_LZMA))

    def test_all_files_are_closed(self, tmp_path):
        for name in ("zip", "zip of zip", "zip of tar.gz", "tar.gz of zip"):
            path = tmp_path / "house"
            path.write_bytes(PACKERS[name](TEXT))
            _, stream = open_bytes(path)
            stream.close()
            stream.close()


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, lzma_alone])
def test_text_is_returned_in_small_pieces(tmp_path, compress):
    path = tmp_path / "x"
    path.write_bytes(compress(b"a" * 3 * CHUNK_BYTES) + compress(b"b" * 10))
    magic = next(
        m
        for m in (b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x5d\x00\x00")
        if path.read_bytes().startswith(m)
    )
    stream = DecompressedStream("x", RawFile("x", io.FileIO(path)), magic)
    pieces = list(iter(stream.read, b""))
    stream.close()
    assert b"".join(pieces) == b"a" * 3 * CHUNK_BYTES + b"b" * 10
    assert max(map(len, pieces)) <= CHUNK_BYTES
    assert stream.progress == 1.0


def test_a_compressed_pipe_gives_each_piece_as_it_is_written(stdin):
    packer = zlib.compressobj(wbits=31)
    stdin.write(packer.compress(b"time;kw\n") + packer.flush(zlib.Z_SYNC_FLUSH))
    _, stream = open_bytes("-")
    assert stream.read() == b"time;kw\n"
    stdin.write(packer.compress(b"1;2\n") + packer.flush(zlib.Z_SYNC_FLUSH))
    assert stream.read() == b"1;2\n"
    stdin.write(packer.flush())
    stdin.close()
    assert stream.read() == b""
