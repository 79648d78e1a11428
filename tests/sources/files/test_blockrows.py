"""Parsing of whole pieces as arrays, compared with parsing row by row."""

import gzip
import subprocess
import sys
from datetime import datetime, timedelta
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import StreamerError
from streamer.readings import Notice
from streamer.readings.blocks import ReadingBlock
from streamer.sample import sample_path
from streamer.sources.files import head, replay, streams
from streamer.sources.files.blockrows import BlockParser
from streamer.sources.files.delimited import open_replay
from streamer.sources.files.layout import Layout
from streamer.sources.files.rows import RowError, RowParser
from streamer.sources.files.timestamps import recognise_times

UCI_HEADER = (
    "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;"
    "Sub_metering_1;Sub_metering_2;Sub_metering_3"
)
START = datetime(2010, 12, 30, 23, 40)
NEVER = 1 << 60


def state_of(source):
    """Counters and state of a source."""
    counted = ("rows", "missing", "outside", "readings", "malformed", "disordered", "implausible")
    kept = ("_line", "_ended")
    intake = source._intake
    watches = (source._initial_checks, intake.skipped._jumps)
    return (
        [intake.counts, intake.ended]
        + [getattr(source, name) for name in counted + kept]
        + [vars(each) for each in watches]
    )


def record(path, block_rows, chunk_bytes=1 << 17, **options):
    """All observable results of a replay, and the number of pieces read as blocks."""
    seen, blocks = [], 0
    with (
        patch.object(replay, "BLOCK_ROWS", block_rows),
        patch.object(streams, "CHUNK_BYTES", chunk_bytes),
        # The first lines are put back as one piece.
        patch.object(head, "_HEAD_LINES", min(400, chunk_bytes // 100)),
    ):
        try:
            source = open_replay(path, **options)
        except StreamerError as error:
            return [repr(error)], 0
        try:
            while items := source.read():
                blocks += isinstance(items, ReadingBlock)
                seen += [repr(list(items)), repr(state_of(source)), source.progress]
        except StreamerError as error:
            seen.append(repr(error))
        seen += [repr(state_of(source)), source.progress]
        source.close()
    return seen, blocks


def blocks_of(path, *, rows=1, chunk_bytes=1 << 17, **options):
    """Number of pieces read as blocks, after comparing both ways of reading."""
    by_row, none = record(path, NEVER, chunk_bytes, **options)
    by_block, blocks = record(path, rows, chunk_bytes, **options)
    assert none == 0
    assert by_block == by_row
    return blocks


def one_column(form, header="timestamp,power_kw", row="{at},{kw}"):
    return header, lambda at, kw: row.format(at=form(at), kw=kw)


def two_columns(form, header, row, clock="%H:%M:%S"):
    return header, lambda at, kw: row.format(at=form(at), clock=f"{at:{clock}}", kw=kw)


def uci_row(at, kw):
    rest = "?;?;?;?;?;" if kw == "?" else "0.418;234.840;18.400;0.000;1.000;17.0"
    return f"{at.day}/{at.month}/{at.year};{at:%H:%M:%S};{kw};{rest}"


def bare(at):
    return f"{at.day}/{at.month}/{at.year}"


LAYOUTS = {
    "uci": (UCI_HEADER, uci_row),
    "iso": one_column("{:%Y-%m-%dT%H:%M:%S}".format),
    "iso, a space, no seconds": one_column("{:%Y-%m-%d %H:%M}".format),
    "day first": one_column(lambda at: f"{bare(at)} {at:%H:%M:%S}", "time;x;kw", "{at};-;{kw}"),
    "month first": one_column("{:%m/%d/%Y %H:%M}".format, "kw|note|datetime", "{kw}|7|{at}"),
    "year first": one_column("{:%Y/%m/%d %H:%M:%S}".format, "at\tP (kW)", "{at}\t{kw}"),
    "dots": two_columns("{:%d.%m.%Y}".format, "kW,Time,Date", "{kw},{clock},{at}", "%H:%M"),
    "delimiter at the end": two_columns(
        "{:%Y-%m-%d}".format, "Date;Time;kW;", "{at};{clock};{kw};"
    ),
    "a time that the form has": one_column("{:%Y-%m-%d %H:%M:%S}".format, row="{at},{kw},"),
}
OTHER_LAYOUTS = {
    "zone": one_column("{:%Y-%m-%dT%H:%M:%SZ}".format),
    "week": one_column("{:%G-W%V-%uT%H:%M:%S}".format),
    "basic": one_column("{:%Y%m%dT%H%M%S}".format),
    "basic date": one_column("{:%Y%m%dT%H:%M:%S}".format),
    "fraction": one_column("{:%Y-%m-%dT%H:%M:%S.5}".format),
    "epoch": one_column(lambda at: f"{(at - datetime(1970, 1, 1)) // timedelta(seconds=1)}"),
    "date only": one_column("{:%Y-%m-%d}".format),
    "hour without a nought": one_column(lambda at: f"{at:%Y-%m-%d} {at.hour}:{at:%M}"),
    "quoted": one_column("{:%Y-%m-%d %H:%M}".format, row='"{at}",{kw}'),
    "spaces": one_column("{:%Y-%m-%d %H:%M}".format, row="{at}, {kw}"),
}


def table(layout, values, *, line_end="\n", start=START, step=timedelta(minutes=1)):
    header, row = layout
    rows = [row(start + i * step, value) for i, value in enumerate(values)]
    return line_end.join([header, *rows]) + line_end


class TestRegularPieces:
    def test_the_sample_is_read_as_blocks(self):
        assert blocks_of(sample_path(), rows=replay.BLOCK_ROWS) > 0

    def test_only_the_piece_with_the_long_gap_is_read_row_by_row(self):
        source = open_replay(sample_path())
        pieces = list(iter(source.read, []))
        source.close()
        assert [isinstance(piece, ReadingBlock) for piece in pieces] == [False, *[True] * 4]
        assert sum(map(len, pieces)) == source.readings

    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    @pytest.mark.parametrize("name", LAYOUTS)
    def test_plain_layouts_are_read_as_blocks(self, write, name, line_end):
        values = ["0.2779", "?", "1", "", "-0.0", "12.000", "00.5", ".5", "5.", "-3.25"] * 20
        if name == "uci":
            values.remove("")
        path = write(table(LAYOUTS[name], values, line_end=line_end))
        assert blocks_of(path) == 1
        assert blocks_of(path, chunk_bytes=1000) > 1

    @pytest.mark.parametrize("name", OTHER_LAYOUTS)
    def test_other_layouts_are_read_row_by_row(self, write, name):
        assert blocks_of(write(table(OTHER_LAYOUTS[name], [1, 2, "?", 3] * 20))) == 0

    def test_an_explicit_format_is_read_row_by_row(self, write):
        path = write(table(LAYOUTS["iso"], range(40)))
        assert blocks_of(path, time_format="%Y-%m-%dT%H:%M:%S") == 0

    def test_a_delimiter_outside_ascii_is_read_row_by_row(self, write):
        path = write(table(LAYOUTS["iso"], range(40)).replace(",", "§"))
        assert blocks_of(path, delimiter="§") == 0

    def test_few_rows_are_read_row_by_row(self, write):
        path = write(table(LAYOUTS["iso"], range(replay.BLOCK_ROWS - 1)))
        assert blocks_of(path, rows=replay.BLOCK_ROWS) == 0

    def test_numpy_is_imported_only_for_a_block(self, write):
        code = (
            "import sys; from streamer.sources.files.delimited import open_replay\n"
            "source = open_replay(sys.argv[1]); source.read()\n"
            "print('numpy' in sys.modules)"
        )
        for rows, imported in ((replay.BLOCK_ROWS - 1, "False\n"), (replay.BLOCK_ROWS, "True\n")):
            path = write(table(LAYOUTS["iso"], range(rows)))
            asked = [sys.executable, "-c", code, path]
            assert subprocess.check_output(asked, text=True, timeout=120) == imported

    def test_gzip_is_read_as_blocks(self, tmp_path):
        path = tmp_path / "house.csv.gz"
        path.write_bytes(gzip.compress(table(LAYOUTS["uci"], ["1.234"] * 2000).encode()))
        assert blocks_of(path, chunk_bytes=10_000) > 1

    def test_a_byte_order_mark_does_not_prevent_blocks(self, write):
        assert blocks_of(write("\ufeff" + table(LAYOUTS["iso"], range(40)))) == 1


class TestIrregularPieces:
    """An irregular row makes its piece, and no other, be read row by row."""

    @pytest.mark.parametrize(
        "value",
        [
            *("1e3", "+1", "1_0", "nan", "inf", "x", "-", ".", "-.", "1.2.3", "--1", "1-", " 1"),
            *("12345678901234567890", "0.1234567890123456", "1" * 15 + ".5", "? ", "-?", "??", " "),
            *("100.001", "-324", "1,5", '"1"', "1\0", "é", "\x1f1", "\r1"),
        ],
    )
    @pytest.mark.parametrize("name", ["iso", "month first"])
    def test_irregular_values(self, write, name, value):
        values = ["0.5"] * 40
        values[20] = value
        assert blocks_of(write(table(LAYOUTS[name], values))) == 0

    @pytest.mark.parametrize(
        "row",
        [
            "",
            " ",
            "x",
            "2010-12-31T00:00:00",
            "2010-12-31T00:00:00,1,2",
            "2010-12-31T00:00:00,1, ",
            "2010-12-31T00:00:00,1,",
            "2010-12-31 00:00:00,1",
            "2010-12-31_00:00:00,1",
            "2010-12-31T00:00,1",
            "2010-12-31T00:00:00Z,1",
            "2010-12-31T24:00:00,1",
            "2010-12-31T00:60:00,1",
            "2010-12-31T00:00:60,1",
            "2010-12-31T00:0::00,1",
            "2010-12-31T00.00.00,1",
            "2010-02-31T00:00:00,1",
            "2010-365T00:00:00,1",
            "1899-12-31T00:00:00,1",
            "2200-12-31T00:00:00,1",
            "T00:00:00,1",
            ",1",
            ",",
            "2010-12-31T00:00:00.5,1",
            "2010-12-30T23:40:00,1",
            "2010-12-30T23:40:00,?",
            "2012-12-31T00:00:00,1",
        ],
    )
    def test_irregular_rows(self, write, row):
        lines = table(LAYOUTS["iso"], ["0.5"] * 40).splitlines()
        lines[21] = row
        assert blocks_of(write("\n".join(lines) + "\n")) == 0

    def test_an_irregular_row_affects_only_its_piece(self, write):
        values = ["1.234"] * 1000
        values[500] = "x"
        path = write(table(LAYOUTS["iso"], values))
        _, blocks = record(path, 1, 2600)
        assert blocks_of(path, chunk_bytes=2600) == blocks == 10

    def test_a_long_jump_between_pieces_is_noticed(self, write):
        before = table(LAYOUTS["iso"], ["1.234"] * 100)
        start = START + timedelta(days=3)
        after = table(LAYOUTS["iso"], ["1.234"] * 100, start=start).split("\n", 1)[1]
        assert blocks_of(write(before + after), chunk_bytes=len(before)) == 1

    def test_a_step_of_one_day_is_not_a_jump(self, write):
        assert blocks_of(write(table(LAYOUTS["iso"], range(60), step=timedelta(days=1)))) == 0
        source = open_replay(write(table(LAYOUTS["iso"], range(60), step=timedelta(minutes=1))))
        assert isinstance(source.read(), ReadingBlock)
        source.close()

    def test_attempts_back_off_in_an_irregular_file(self, write):
        path = write(table(LAYOUTS["iso"], ["1.5", "2.5", "3.5", "4.5", "5.5", "x"] * 500))
        with patch.object(RowParser, "parse_block", return_value=None) as tried:
            record(path, 1, 1000)
        assert 3 < tried.call_count < 10


class TestRules:
    TEXT = table(LAYOUTS["iso"], ["1.234", "?", "2.345", "3.456"] * 100)

    @pytest.mark.parametrize("minutes", [0, 1, 199, 200, 201, 398, 399, 400])
    def test_start_and_end_give_the_same_readings(self, write, minutes):
        path = write(self.TEXT)
        edge = START + timedelta(minutes=minutes)
        for chunk_bytes in (999, 2600, 1 << 17):
            blocks_of(path, chunk_bytes=chunk_bytes, start=edge)
            blocks_of(path, chunk_bytes=chunk_bytes, end=edge)
            blocks_of(path, chunk_bytes=chunk_bytes, end=edge.astimezone())

    def test_pieces_before_the_start_are_blocks(self, write):
        path = write(self.TEXT)
        start = START + timedelta(minutes=390)
        with patch.object(RowParser, "parse", side_effect=RowError) as parse:
            record(path, 1, 2600, start=start)
        head = 2600 // 100
        assert parse.call_count <= 100 + head
        assert blocks_of(path, chunk_bytes=2600, start=start) == 0

    @pytest.mark.parametrize("limit", [1, 74, 75, 76, 299, 300, 301])
    def test_a_limit_gives_the_same_readings(self, write, limit):
        path = write(self.TEXT)
        for chunk_bytes in (999, 2600, 1 << 17):
            blocks_of(path, chunk_bytes=chunk_bytes, limit=limit)

    def test_implausible_values_are_read_row_by_row(self, write):
        path = write(self.TEXT)
        assert blocks_of(path, max_kw=3.456) == 1
        assert blocks_of(path, max_kw=3.4) == 0

    @pytest.mark.parametrize("unit", ["kW", "W"])
    def test_the_unit_is_checked_in_blocks(self, write, unit):
        text = table(LAYOUTS["iso"], ["0.5"] * 1500)
        for chunk_bytes in (999, 2600, 1 << 17):
            blocks_of(write(text), chunk_bytes=chunk_bytes, unit=unit)
        seen, _ = record(write(text), 1, unit=unit)
        assert ("--unit kW" in seen[0]) == (unit == "W")
        assert (Notice.WARNING in seen[0]) == (unit == "W")


ODD_VALUES = ("1e3", "+1", ".5", "5.", "1_0", "nan", "-0.2", "00.5", "1" * 20, " 1", "x", "324", "")
ODD_ROWS = ("", " ", "x", ",", ";", '"', "é", "2010-12-31T00:00:00Z,1", "?,?", "a,b,c;d;e", "\r")
VALUES = st.integers(-20_000, 20_000).map(lambda watts: f"{watts / 1000:.3f}")
STEPS = st.sampled_from([1, 1, 1, 1, 2, 90, 1440, 1441, 5000, 0, -3])


@st.composite
def tables(draw):
    """Tables whose rows are mostly regular."""
    layouts = st.sampled_from(list(LAYOUTS.values()))
    others = st.sampled_from(list(OTHER_LAYOUTS.values()))
    header, row = draw(st.one_of(layouts, layouts, layouts, others))
    values = draw(st.lists(VALUES, min_size=20, max_size=100))
    edits = draw(
        st.lists(
            st.tuples(
                st.integers(0, len(values) - 1),
                st.one_of(
                    st.sampled_from(ODD_VALUES).map(lambda value: ("value", value)),
                    st.sampled_from(ODD_ROWS).map(lambda text: ("row", text)),
                    STEPS.map(lambda minutes: ("step", minutes)),
                    st.sampled_from(";,?x ").map(lambda end: ("end", end)),
                    st.just(("value", "?")),
                ),
            ),
            max_size=3,
        )
    )
    changes = {(i, kind): change for i, (kind, change) in edits}
    at = draw(st.sampled_from([START, datetime(2007, 2, 13), datetime(2199, 12, 31, 23, 30)]))
    lines = [header]
    for i, value in enumerate(values):
        at += timedelta(minutes=changes.get((i, "step"), 1))
        text = row(at, changes.get((i, "value"), value)) + changes.get((i, "end"), "")
        lines.append(changes.get((i, "row"), text))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    return line_end.join(lines) + draw(st.sampled_from([line_end, "", "\r"]))


EDGES = st.one_of(st.none(), st.integers(-60, 200).map(lambda m: START + timedelta(minutes=m)))


@given(
    text=tables(),
    chunk_bytes=st.sampled_from([64, 300, 1000, 2500, 1 << 17]),
    start=EDGES,
    end=EDGES,
    limit=st.one_of(st.none(), st.integers(1, 200)),
    strict=st.booleans(),
    unit=st.sampled_from([None, "W", "kW"]),
)
def test_blocks_and_rows_give_the_same_items(
    tmp_path_factory, text, chunk_bytes, start, end, limit, strict, unit
):
    path = tmp_path_factory.getbasetemp() / "both.csv"
    path.write_bytes(text.encode())
    options = {"start": start, "end": end, "limit": limit, "strict": strict, "unit": unit}
    blocks_of(path, chunk_bytes=chunk_bytes, **options)


@given(data=st.binary(max_size=60), place=st.integers(0, 2000), insert=st.booleans())
def test_any_bytes_in_a_table_give_the_same_items(tmp_path_factory, data, place, insert):
    good = table(LAYOUTS["uci"], ["1.234"] * 30).encode()
    path = tmp_path_factory.getbasetemp() / "any-both.csv"
    path.write_bytes(good[:place] + data + good[place if insert else place + len(data) :])
    blocks_of(path)


def parsed(values, unit="kW"):
    layout = Layout(",", 2, 1, 0, None, unit)
    style = recognise_times([("2013-05-21T00:00", None)])
    rows = table(LAYOUTS["iso"], values).split("\n", 1)[1].encode()
    return BlockParser(layout, style).parse(rows)


@pytest.mark.parametrize(("unit", "per_kw"), [("kW", 1.0), ("W", 1000.0)])
def test_values_of_three_decimals_are_identical_bit_by_bit(unit, per_kw):
    texts = [f"{watts / 1000:.3f}" for watts in range(12_001)]
    texts += ["-" + text for text in texts]
    kw = parsed(texts, unit).kw
    expected = np.array([float(text) / per_kw for text in texts])
    np.testing.assert_array_equal(kw.view(np.int64), expected.view(np.int64))


@given(
    st.lists(
        st.from_regex(r"-?[0-9]{1,8}\.?[0-9]{0,7}", fullmatch=True).filter(str.isascii),
        min_size=1,
        max_size=50,
    )
)
def test_plain_numbers_are_identical_bit_by_bit(texts):
    kw = parsed(texts).kw
    assert list(map(repr, kw.tolist())) == [repr(float(text)) for text in texts]


def test_times_are_identical():
    layout = Layout(";", 3, 2, 0, 1, "kW", day_first=True)
    style = recognise_times([("1/2/2008", "00:00:00")], day_first_known=True)
    times = [datetime(2008, 2, 27, 22) + timedelta(seconds=977 * i) for i in range(30_000)]
    rows = "".join(f"{bare(at)};{at:%H:%M:%S};1\n" for at in times)
    assert BlockParser(layout, style).parse(rows.encode()).at.tolist() == times
