"""Replay of recorded streams, from bytes to readings."""

import gzip
import io
import itertools
import os
import threading
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import FormatError, SourceError, StreamerError, UnitError, UsageError
from streamer.readings import Notice, Reading
from streamer.sources import Source
from streamer.sources.files.delimited import open_replay

UCI_HEADER = (
    "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;"
    "Sub_metering_1;Sub_metering_2;Sub_metering_3"
)
UCI = (
    f"{UCI_HEADER}\r\n"
    "16/12/2006;17:24:00;4.216;0.418;234.840;18.400;0.000;1.000;17.000\r\n"
    "16/12/2006;17:25:00;5.360;0.436;233.630;23.000;0.000;1.000;16.000\r\n"
    "16/12/2006;17:26:00;?;?;?;?;?;?;\r\n"
    "17/12/2006;17:27:00;-5.388;0.502;233.740;23.000;0.000;1.000;17.000\r\n"
)
UCI_READINGS = [
    Reading(datetime(2006, 12, 16, 17, 24), 4.216),
    Reading(datetime(2006, 12, 16, 17, 25), 5.36),
    Reading(datetime(2006, 12, 17, 17, 27), -5.388),
]


def drain(source):
    """All items of a source, which is then closed."""
    try:
        return list(itertools.chain.from_iterable(iter(source.read, [])))
    finally:
        source.close()


def split(items):
    readings = [item for item in items if isinstance(item, Reading)]
    return readings, [item for item in items if isinstance(item, Notice)]


def replay(path, **options):
    return split(drain(open_replay(path, **options)))


def until_error(path, **options):
    """The readings before an error, and the error, on opening or later."""
    readings = []
    try:
        source = open_replay(path, **options)
    except StreamerError as error:
        return readings, error
    try:
        while items := source.read():
            readings += split(items)[0]
    except StreamerError as error:
        return readings, error
    finally:
        source.close()
    return readings, None


def minutes(values, header="timestamp,power_kw", start=datetime(2013, 5, 21), step=60):
    """A table with one row for each value."""
    rows = [f"{start + timedelta(seconds=step * i)},{value}" for i, value in enumerate(values)]
    return "\n".join([header, *rows]) + "\n"


class TestUci:
    @pytest.mark.parametrize("line_end", ["\r\n", "\n"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_the_published_file_is_read(self, write, line_end, mark):
        path = write(mark + UCI.replace("\r\n", line_end), "household.txt")
        assert replay(path) == (UCI_READINGS, [])

    def test_rows_are_counted_by_outcome(self, write):
        source = open_replay(write(UCI))
        assert isinstance(source, Source)
        assert source.name == "house.csv"
        drain(source)
        assert (source.rows, source.missing, source.readings) == (4, 1, 3)
        assert source.read() == []
        source.close()

    def test_the_header_may_be_missing(self, write):
        assert replay(write(UCI.split("\r\n", 1)[1]))[0] == UCI_READINGS

    def test_uci_dates_are_day_first(self, write):
        readings, _ = replay(write(f"{UCI_HEADER}\n1/2/2007;00:00:00;1.5;0;0;0;0;0;0\n"))
        assert readings == [Reading(datetime(2007, 2, 1), 1.5)]

    def test_an_empty_value_is_missing(self, write):
        rows = "28/4/2007;00:21:00;;;;;;;\n28/4/2007;00:22:00; ;;;;;;\n"
        readings, notices = replay(write(UCI.replace("\r\n", "\n") + rows))
        assert readings == UCI_READINGS
        assert notices == []


class TestCompression:
    def zipped(self, **members):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in members.items():
                archive.writestr(name.replace("__", "."), text)
        return file.getvalue()

    def test_a_zip_is_read_under_any_name(self, write):
        packed = self.zipped(household__txt=UCI, __hidden="x")
        assert replay(write(packed, "household.txt")) == (UCI_READINGS, [])

    def test_a_zip_of_several_files_is_refused(self, write):
        with pytest.raises(UsageError, match=r"2 files \(a\.txt, b\.txt\); choose one: --member a"):
            open_replay(write(self.zipped(a__txt=UCI, b__txt=UCI)))

    def test_an_empty_zip_is_refused(self, write):
        with pytest.raises(SourceError, match="contains no file"):
            open_replay(write(self.zipped()))

    def test_a_truncated_zip_is_a_source_error(self, write):
        with pytest.raises(SourceError, match="not a usable zip"):
            open_replay(write(self.zipped(a__txt=UCI)[:-30]))

    def test_a_damaged_zip_is_a_source_error(self, write):
        packed = bytearray(self.zipped(a__txt=UCI))
        packed[60] ^= 0xFF
        with pytest.raises(SourceError, match="damaged"):
            drain(open_replay(write(bytes(packed))))

    @pytest.mark.parametrize("field", ["compression", "encryption"])
    def test_encrypted_and_unusual_zips_are_refused(self, write, field):
        packed = bytearray(self.zipped(a__txt=UCI))
        entry = packed.index(b"PK\x01\x02")
        packed[entry + (10 if field == "compression" else 8)] |= 1
        with pytest.raises(SourceError, match="unpack it first"):
            open_replay(write(bytes(packed)))

    def test_a_gzip_is_read_under_any_name(self, write):
        half = len(UCI) // 2
        members = gzip.compress(UCI[:half].encode()) + gzip.compress(UCI[half:].encode())
        assert replay(write(members + b"\0" * 9, "household.csv")) == (UCI_READINGS, [])

    def test_a_truncated_gzip_is_an_error_after_its_readings(self, write):
        text = minutes(f"{i % 7}.{i * 7919 % 100000}" for i in range(20000))
        packed = gzip.compress(text.encode())
        readings, error = until_error(write(packed[: len(packed) * 2 // 3], "house.csv.gz"))
        assert len(readings) > 1000
        assert isinstance(error, SourceError)
        assert str(error).startswith("house.csv.gz is truncated")

    def test_a_damaged_gzip_is_a_source_error(self, write):
        with pytest.raises(SourceError, match=r"house\.csv is damaged"):
            open_replay(write(b"\x1f\x8b\x08 no more"))

    def test_a_plain_file_may_have_a_compressed_name(self, write):
        assert replay(write(UCI, "household.zip")) == (UCI_READINGS, [])
        assert replay(write(UCI, "household.gz")) == (UCI_READINGS, [])


class TestStdin:
    def test_standard_input_is_read(self, stdin):
        stdin.write(UCI.encode())
        stdin.close()
        source = open_replay("-")
        assert source.name == "stdin"
        assert split(drain(source)) == (UCI_READINGS, [])

    def test_gzip_on_standard_input_is_read(self, stdin):
        stdin.write(gzip.compress(UCI.encode()))
        stdin.close()
        assert replay("-") == (UCI_READINGS, [])

    def test_a_zip_on_standard_input_is_refused(self, stdin):
        stdin.write(b"PK\x03\x04")
        with pytest.raises(UsageError, match="unzip -p"):
            open_replay("-")

    def test_rows_are_returned_as_they_arrive(self, stdin):
        header, *rows = minutes([0.1, 0.2, 0.3, 0.25, 0.5, 0.75]).splitlines()
        # From the first three rows, the spacing is known.
        stdin.write("\n".join([header, *rows[:3], ""]).encode())
        source = open_replay("-")
        assert [reading.kw for reading in source.read()] == [0.1, 0.2, 0.3]
        for row, kw in zip(rows[3:], [0.25, 0.5, 0.75], strict=True):
            stdin.write(row[:7].encode())
            stdin.write(row[7:].encode() + b"\n")
            (reading,) = source.read()
            assert reading.kw == kw
        stdin.close()
        assert source.read() == []

    def test_what_is_missing_is_asked_for_after_three_rows(self, stdin):
        stdin.write(minutes([1, 2, 3], header="time,power").encode())
        with pytest.raises(UsageError, match="give --unit kW"):
            open_replay("-")

    def test_a_counter_is_found_in_a_pipe(self, stdin):
        stdin.write(minutes([7 + i / 100 for i in range(60)], header="time,import kWh").encode())
        stdin.close()
        readings, (notice,) = replay("-")
        assert {round(reading.kw, 6) for reading in readings} == {0.6}
        assert "is a counter in kWh" in notice.text

    def test_unreadable_standard_input_is_a_source_error(self, stdin, tmp_path):
        folder = os.open(tmp_path, os.O_RDONLY)
        os.dup2(folder, 0)
        os.close(folder)
        with pytest.raises(SourceError, match="standard input cannot be read"):
            open_replay("-")

    def test_non_blocking_standard_input_is_a_source_error(self, stdin):
        os.set_blocking(0, False)
        with pytest.raises(SourceError, match="non-blocking"):
            open_replay("-")

    def test_empty_standard_input_is_a_source_error(self, stdin):
        stdin.close()
        with pytest.raises(SourceError, match="stdin is empty"):
            open_replay("-")


class TestOpening:
    def test_a_missing_file_is_a_usage_error(self, tmp_path):
        with pytest.raises(UsageError, match="does not exist"):
            open_replay(tmp_path / "none.csv")

    def test_a_directory_is_a_usage_error(self, tmp_path):
        with pytest.raises(UsageError, match="is a directory"):
            open_replay(tmp_path)

    def test_a_name_with_a_null_character_is_a_source_error(self):
        with pytest.raises(SourceError, match="cannot be opened"):
            open_replay("house\0.csv")

    @pytest.mark.parametrize("content", ["", "\n \n", "\ufeff", "\n" * 500 + UCI])
    def test_a_file_without_rows_is_a_source_error(self, write, content):
        with pytest.raises(SourceError, match=r"house\.csv is empty"):
            open_replay(write(content))

    def test_a_line_without_columns_is_a_usage_error(self, write):
        with pytest.raises(UsageError, match=r"house\.csv: no columns in the first line"):
            open_replay(write("hello\nworld\n"))

    def test_utf16_is_read(self, write):
        assert replay(write(UCI.encode("utf-16"))) == (UCI_READINGS, [])

    def test_blank_lines_before_the_header_are_skipped(self, write):
        readings, (notice,) = replay(write("\n \n" + minutes([1, "x", *[1] * 5])))
        assert len(readings) == 6
        assert notice.text.startswith("house.csv:5: ")

    def test_a_table_without_a_header_needs_a_unit(self, write):
        path = write(minutes([1, 2]).split("\n", 1)[1])
        with pytest.raises(UsageError, match=r"column '2' has no unit \(.*: give --unit kW"):
            open_replay(path)
        assert len(replay(path, unit="kW")[0]) == 2
        assert len(replay(path, unit="kW", time_column=1, column="2")[0]) == 2

    def test_a_line_without_an_end_is_refused(self, write):
        text = minutes([1, 2]) + "x" * 200_000
        readings, error = until_error(write(text))
        assert len(readings) == 2
        assert str(error).startswith("house.csv:4: the line is longer than 64 KiB")

    def test_an_error_while_opening_closes_the_file(self, write):
        path = write("a,b\n")
        before = len(list(Path("/dev/fd").iterdir()))
        with pytest.raises(UsageError):
            open_replay(path)
        assert len(list(Path("/dev/fd").iterdir())) == before


class TestColumns:
    @pytest.mark.parametrize(
        ("header", "row", "kw"),
        [
            ("timestamp,power_kw", "2013-05-21T00:00:00,0.2779", 0.2779),
            ("at;kW;volts", "2013-05-21T00:00;0.3;230", 0.3),
            ("id\tTime\tP (W)", "7\t2013-05-21 00:00\t324", 0.324),
            ("datetime|grid [kW]", "2013-05-21 00:00|1.5", 1.5),
            ("time,watts,amps", "2013-05-21 00:00,250,1", 0.25),
            (",whatever kW", "2013-05-21 00:00,1.5", 1.5),
            ("when,note,x_kw", "2013-05-21 00:00,fine,1.5", 1.5),
            ("Date,Time,kW,", "2013-05-21,0:00:00,1.5,", 1.5),
            ("timestamp,power_kw,value", "2013-05-21 00:00,1.5,9", 1.5),
            ("timestamp,energy_kwh,p_kw", "2013-05-21 00:00,9,1.5", 1.5),
            ('"time","power, kW"', '"2013-05-21 00:00","1.5"', 1.5),
            ("timestamp,power kW", "2013-05-21 00:00, 1.5 ", 1.5),
        ],
    )
    def test_columns_are_recognised_by_name(self, write, header, row, kw):
        readings, notices = replay(write(f"{header}\n{row}\n"))
        assert readings == [Reading(datetime(2013, 5, 21), kw)]
        assert notices == []

    def test_the_only_numeric_column_is_found_after_missing_values(self, write):
        text = "timestamp,note,x\n2013-05-21 00:00,a,?\n2013-05-21 00:01,b,1.5\n"
        assert replay(write(text), unit="kW")[0] == [Reading(datetime(2013, 5, 21, 0, 1), 1.5)]

    @pytest.mark.parametrize("asked", ["heat_pump", "HEAT_PUMP", "3", 3])
    def test_a_column_can_be_chosen_by_name_or_number(self, write, asked):
        path = write("timestamp,power,heat_pump\n2013-05-21 00:00,1,2.5\n")
        assert replay(path, column=asked, unit="kW")[0][0].kw == 2.5

    def test_the_time_column_can_be_chosen(self, write):
        path = write("Date,Time,utc,kw\n2013-05-21,02:00,2013-05-21 00:00,2.5\n")
        assert replay(path)[0][0].at == datetime(2013, 5, 21, 2)
        assert replay(path, time_column="date")[0][0].at == datetime(2013, 5, 21, 2)
        assert replay(path, time_column="utc")[0][0].at == datetime(2013, 5, 21)

    @pytest.mark.parametrize(
        ("text", "options", "complaint"),
        [
            ("timestamp,power\n", {"column": "x"}, "columns timestamp, power; --column 'x'"),
            ("timestamp,power\n", {"column": 3}, "'3' is not among them"),
            ("timestamp,power\n", {"time_column": "x"}, "--time-column 'x' is not among"),
            ("timestamp,power\n2013-05-21,1\n", {"column": 1}, "cannot be the same column"),
            ("timestamp,kw,w\n", {}, r"power column: 'kw' \(number 2\), 'w' .*--column kw"),
            ("timestamp,x,y\n2013-05-21,1,2\n", {}, "'x' .number 2., 'y' .number 3."),
            ("timestamp,a\n2013-05-21,x\n", {}, "none of them is recognised as the power"),
            ("timestamp,use_kwh\n2013-05-21,1\n", {}, "too few rows to find the interval"),
            ("timestamp,volts\n2013-05-21,1\n", {}, r"\('volts' is voltage\); .*--column NAME"),
            ("timestamp,kVA\n2013-05-21,1\n", {"column": 2}, "is apparent power by its name"),
            ("time,timestamp,kw\n", {}, "several may be the time.*--time-column time"),
            ("a,kw\n1,2\n", {}, "none of them is recognised as the time"),
            ("a;b,c\n1;2,3\n", {}, "give --delimiter"),
            ('"time,kw\n', {}, "no columns"),
            ("timestamp" + ",a" * 99 + "\n", {"column": "x"}, r"a, … \(100 in all\)"),
            (
                "timestamp,x\n" + "2013-05-21,?\n" * 200,
                {},
                "none of them is recognised as the power",
            ),
        ],
    )
    def test_ambiguous_or_unknown_columns_are_usage_errors(self, write, text, options, complaint):
        with pytest.raises(UsageError, match=complaint) as caught:
            open_replay(write(text), **options)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("delimiter", ["tab", "\\t", "\t"])
    def test_the_delimiter_can_be_chosen(self, write, delimiter):
        path = write("time\tkw,x\n2013-05-21\t1\n")
        assert replay(path, delimiter=delimiter, column=2, unit="kW")[0][0].kw == 1.0

    def test_the_first_row_can_decide_the_delimiter(self, write):
        path = write("time;power, kW\n2013-05-21;1.5\n")
        assert replay(path)[0][0].kw == 1.5

    @pytest.mark.parametrize(
        "options",
        [
            {"delimiter": "::"},
            {"delimiter": '"'},
            {"unit": "GW"},
            {"quantity": "work"},
            {"quantity": "energy"},
            {"decimal": "x"},
            {"where": ["Date"]},
            {"where": ["Date=1/1/1990"]},
            {"limit": 0},
            {"max_kw": 0.0},
            {"max_kw": float("nan")},
            {"time_format": "%Q"},
            {"time_format": "%d %d"},
            {"time_format": "%H:%M"},
            {"start": datetime(2007, 1, 2), "end": datetime(2007, 1, 1)},
            {"start": datetime(2007, 1, 1), "end": datetime(2007, 1, 2, tzinfo=UTC)},
        ],
    )
    def test_invalid_options_are_usage_errors(self, write, options):
        with pytest.raises(UsageError):
            open_replay(write(UCI), **options)


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("2013-05-21", datetime(2013, 5, 21)),
            ("2013-05-21T01:02:03Z", datetime(2013, 5, 21, 1, 2, 3, tzinfo=UTC)),
            (
                "2013-05-21 01:02:03+02:00",
                datetime(2013, 5, 21, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
            ),
            ("2013/5/21 1:02", datetime(2013, 5, 21, 1, 2)),
            ("21/05/2013 01:02:03.5", datetime(2013, 5, 21, 1, 2, 3, 500_000)),
            ("05/21/2013 01:02", datetime(2013, 5, 21, 1, 2)),
            ("1.2.2013 01:02", datetime(2013, 2, 1, 1, 2)),
            ("1369098123", datetime(2013, 5, 21, 1, 2, 3, tzinfo=UTC)),
            ("1369098123.5", datetime(2013, 5, 21, 1, 2, 3, 500_000, tzinfo=UTC)),
            ("1369098123000", datetime(2013, 5, 21, 1, 2, 3, tzinfo=UTC)),
        ],
    )
    def test_styles_of_times_are_recognised(self, write, text, at):
        (reading,), _ = replay(write(f"timestamp,kw\n{text},1\n"))
        assert reading.at == at
        assert reading.at.utcoffset() == at.utcoffset()

    def test_an_explicit_time_format_is_used(self, write):
        path = write("timestamp,kw\n02/01/13 01:02 PM,1\n")
        (reading,), _ = replay(path, time_format="%m/%d/%y %I:%M %p")
        assert reading.at == datetime(2013, 2, 1, 13, 2)

    def test_an_explicit_format_may_span_two_columns(self, write):
        path = write("Date,Time,kw\n2/1/13,1302,1\n")
        (reading,), _ = replay(path, time_format="%m/%d/%y %H%M")
        assert reading.at == datetime(2013, 2, 1, 13, 2)

    def test_an_ambiguous_date_is_a_usage_error(self, write, stdin):
        text = "timestamp,kw\n01/02/2010 00:00,1\n"
        with pytest.raises(UsageError, match=r"'01/02/2010' may be day/month.*--time-format"):
            open_replay(write(text))
        stdin.write(text.encode())
        stdin.close()
        with pytest.raises(UsageError, match="--time-format"):
            open_replay("-")

    @pytest.mark.parametrize("text", ["0099-01-01", "9999-12-31T23:59", "yesterday", "12:00", ""])
    def test_invalid_time_formats_are_usage_errors(self, write, text):
        rows = f"{text},1\n" + "".join(f"2013-05-21 00:0{i},1\n" for i in range(6))
        readings, notices = replay(write(f"timestamp,kw\n{rows}"))
        assert len(readings) == 6
        assert [notice.kind for notice in notices] == [Notice.MALFORMED]

    def test_an_ambiguous_date_is_found_under_any_column_name(self, write):
        path = write("when,kw\n01/02/2010 00:00,1\n")
        with pytest.raises(UsageError, match="may be day/month"):
            open_replay(path)
        (reading,), _ = replay(path, time_format="%m/%d/%Y %H:%M")
        assert reading.at == datetime(2010, 1, 2)

    def test_times_with_and_without_a_zone_do_not_mix(self, write):
        text = "timestamp,kw\n2013-05-21T00:00,1\n2013-05-21T00:01Z,2\n2013-05-21T00:02,3\n"
        readings, (notice,) = replay(write(text))
        assert [reading.kw for reading in readings] == [1, 3]
        assert "house.csv:3: time '2013-05-21T00:01Z' has a zone" in notice.text

    def test_rows_out_of_order_are_skipped(self, write):
        text = minutes([1, 2, 3]) + minutes([8, 9]).split("\n", 1)[1]
        readings, notices = replay(write(text))
        assert [reading.kw for reading in readings] == [1, 2, 3]
        assert [notice.kind for notice in notices] == [Notice.ORDER] * 2
        assert notices[0].text == (
            "house.csv:5: time 2013-05-21 00:00:00 is not after 2013-05-21 00:02:00; row skipped"
        )
        assert notices[0].at == datetime(2013, 5, 21, 0, 2)

    def test_a_wrong_time_far_ahead_is_named(self, write):
        lines = minutes(range(30)).splitlines()
        lines[5] = "2113-05-21 00:00:00,1"
        source = open_replay(write("\n".join(lines) + "\n"))
        _, notices = split(source.read())
        with pytest.raises(SourceError, match=r"25 of 30 rows are out of order, .*sort the file"):
            source.read()
        source.close()
        (warning,) = (notice for notice in notices if notice.kind == Notice.WARNING)
        assert warning.text.startswith("house.csv:6: time jumps ahead from 2013-05-21 00:03:00 to")

    def test_a_long_gap_causes_no_notice(self, write):
        after = minutes(range(20), start=datetime(2013, 8, 1)).split("\n", 1)[1]
        readings, notices = replay(write(minutes([1, 2]) + after))
        assert len(readings) == 22
        assert notices == []
        # The hour repeated when a clock is set back is not related to the gap before.
        again = "".join(after.splitlines(keepends=True)[-8:])
        _, notices = replay(write(minutes([1, 2]) + after + again))
        assert {notice.kind for notice in notices} == {Notice.ORDER}


class TestMalformed:
    def test_the_first_malformed_row_is_named_and_later_ones_gathered(self, write):
        readings, notices = replay(write(minutes([1, "abc", 2, "x", "inf", "1_0", *[3] * 16])))
        assert [reading.kw for reading in readings] == [1, 2, *[3] * 16]
        first, others = notices
        assert first.kind == others.kind == Notice.MALFORMED
        assert first.text == "house.csv:3: power 'abc' is not a number; row skipped"
        assert first.at == datetime(2013, 5, 21)
        assert others.text == (
            "3 more malformed rows skipped, the last: house.csv:7: power '1_0' is not a number"
        )
        assert others.count == 3

    def test_a_single_later_malformed_row_is_named(self, write):
        _, (_, later) = replay(write(minutes([1, "abc", 2, "inf", *[3] * 8])))
        assert later.text == "house.csv:5: power 'inf' is not a finite number; row skipped"
        assert later.count == 1

    @pytest.mark.parametrize(
        "row",
        [
            b"2013-05-22 00:00:00,\xff1",
            b"2013-05-22 00:00:00",
            b"2013-05-22 00:00:00,0,277",
            b'"2013-05-22 00:00:00,1',
            b'"2013-05-22 00:00:00"x,1',
            b"2013-05-22 00:00:00,1\x00",
            b"2013-05-22 00:00:00,1e999",
            b"\x1b[2J,1",
        ],
    )
    def test_malformed_rows_are_skipped(self, write, row):
        after = minutes([2] * 6, start=datetime(2013, 5, 23)).split("\n", 1)[1].encode()
        readings, (notice,) = replay(write(minutes([1]).encode() + row + b"\n\n  \n" + after))
        assert [reading.kw for reading in readings] == [1, *[2] * 6]
        assert notice.kind == Notice.MALFORMED
        assert "house.csv:3: " in notice.text
        assert notice.text.isprintable()

    def test_strict_raises_after_the_readings_before_the_error(self, write):
        readings, error = until_error(write(minutes([1, 2, "abc", *[3] * 6])), strict=True)
        assert [reading.kw for reading in readings] == [1, 2]
        assert isinstance(error, FormatError)
        assert error.where == "house.csv:4"
        assert "power 'abc' is not a number" in error.what

    def test_strict_raises_for_rows_out_of_order(self, write):
        _, error = until_error(write(minutes([1, 2], step=-60)), strict=True)
        assert isinstance(error, FormatError)
        assert "is not after" in error.what

    @pytest.mark.parametrize(
        ("end", "readings", "malformed"), [(";1.000;16.0", 3, 0), (";1.000", 2, 1), ("", 2, 1)]
    )
    def test_an_incomplete_last_line_is_malformed(self, write, end, readings, malformed):
        last = f"18/12/2006;17:25:00;5.360;0.436;233.630;23.000;0.000{end}"
        source = open_replay(write("\r\n".join([*UCI.split("\r\n")[:3], last])))
        drain(source)
        assert (source.readings, source.malformed) == (readings, malformed)

    def test_the_last_line_needs_no_line_end(self, write):
        assert replay(write(UCI.removesuffix("\r\n"))) == (UCI_READINGS, [])
        assert replay(write(UCI.removesuffix("\n"))) == (UCI_READINGS, [])


class TestUnits:
    def test_an_implausible_value_is_skipped(self, write):
        readings, (notice,) = replay(write(minutes([1, 324, 2])))
        assert [reading.kw for reading in readings] == [1, 2]
        assert notice.kind == Notice.ABSURD
        assert notice.text == (
            "house.csv:3: 324.0 kW is more than a household draws; "
            "if the column is in W, give --unit W; row skipped"
        )

    def test_the_bound_can_be_raised(self, write):
        assert len(replay(write(minutes([1, 324, -324])), max_kw=400)[0]) == 3

    def test_watts_read_as_kw_are_a_unit_error(self, write):
        path = write(minutes([80] + [300] * 40))
        readings, error = until_error(path)
        assert readings == []
        assert isinstance(error, UnitError)
        assert "the median of the first 41 values of 'power_kw' is 300 kW" in str(error)
        assert "--unit W" in str(error)
        assert len(replay(path, unit="W")[0]) == 41

    def test_watts_that_begin_late_are_a_unit_error(self, write):
        readings, error = until_error(write(minutes([1] * 500 + [300] * 600)))
        assert len(readings) == 500
        assert isinstance(error, UnitError)
        assert "501 of 1001 values are above 100 kW" in str(error)

    def test_a_few_watts_read_as_kw_are_a_unit_error(self, write):
        _, error = until_error(write(minutes([300, 310])))
        assert isinstance(error, UnitError)

    def test_implausible_watts_are_skipped(self, write):
        path = write(minutes([1000, 324_000_000, 1000], header="timestamp,power_w"))
        _, (notice,) = replay(path)
        assert "--max-kw" in notice.text
        assert "--unit W" not in notice.text

    def test_the_option_overrides_the_header(self, write):
        path = write(minutes([0.5], header="timestamp,power_w"))
        assert replay(path)[0][0].kw == 0.0005
        assert replay(path, unit="kW")[0][0].kw == 0.5

    def test_kw_read_as_watts_cause_a_warning(self, write):
        _, (notice,) = replay(write(minutes([0.5] * 101)), unit="W")
        assert notice.kind == Notice.WARNING
        assert "--unit kW" in notice.text
        assert replay(write(minutes([0.5] * 98 + [25, 1])), unit="W")[1] == []


class TestSpan:
    def test_start_and_end_limit_the_readings(self, write):
        path = write(minutes(range(10)))
        readings, notices = replay(
            path, start=datetime(2013, 5, 21, 0, 2), end=datetime(2013, 5, 21, 0, 5)
        )
        assert [reading.kw for reading in readings] == [2, 3, 4]
        assert notices == []

    def test_bounds_without_a_zone_are_on_the_files_clock(self, write):
        path = write("timestamp,kw\n" + "".join(f"2013-05-21T00:0{m}+02:00,1\n" for m in range(9)))
        readings, _ = replay(
            path, start=datetime(2013, 5, 21, 0, 3), end=datetime(2013, 5, 21, 0, 5)
        )
        assert [reading.at.minute for reading in readings] == [3, 4]
        readings, _ = replay(path, end=datetime(2013, 5, 20, 22, 3, tzinfo=UTC))
        assert [reading.at.minute for reading in readings] == [0, 1, 2]

    def test_a_bound_with_a_zone_for_times_without_one(self, write):
        with pytest.raises(UsageError, match="without an offset"):
            replay(write(UCI), start=datetime(2006, 12, 16, tzinfo=UTC))

    def test_the_limit_ends_the_source(self, write):
        source = open_replay(write(minutes([1, "?", 2, 3, 4])), limit=3)
        assert [reading.kw for reading in drain(source)] == [1, 2, 3]
        assert source.rows == 4

    def test_limit_and_end_do_not_wait_for_more_rows(self, stdin):
        stdin.write(minutes([1, 2, 3]).encode())
        source = open_replay("-", limit=2)
        assert len(source.read()) == 2
        assert source.read() == []
        stdin.write(minutes([1, 2, 3]).encode())
        source = open_replay("-", end=datetime(2013, 5, 21, 0, 1))
        assert len(source.read()) == 1
        assert source.read() == []


class TestNothingFound:
    @pytest.mark.parametrize(
        ("text", "options", "complaint"),
        [
            ("timestamp,kw\n", {}, "it has no rows"),
            (minutes(["?", ""]), {}, r"2 rows, 2 without a value \(.*--column"),
            (minutes(["x", "y"]), {"column": 2}, r"2 malformed, the last house\.csv:3: power 'y'"),
            (
                minutes([1, 2]),
                {"start": datetime(2014, 1, 1)},
                "2 before --start or from --end on, the last at 2013-05-21 00:01:00",
            ),
            (minutes([1, 2]), {"end": datetime(2012, 1, 1)}, "1 before --start or from --end"),
        ],
    )
    def test_the_error_explains_why_no_reading_was_found(self, write, text, options, complaint):
        with pytest.raises(SourceError, match=complaint) as caught:
            replay(write(text), **options)
        assert str(caught.value).startswith("no reading found in house.csv: ")
        assert "\n" not in str(caught.value)


class TestClosing:
    def test_close_may_be_early_and_repeated(self, write):
        source = open_replay(write(UCI))
        source.close()
        source.close()
        assert source.read() == []

    def test_close_closes_the_zip(self, write):
        packed = TestCompression().zipped(a__txt=UCI)
        source = open_replay(write(packed))
        source.close()
        source.close()
        assert source.read() == []


def piped(data, cuts):
    """Readings from bytes that are written to standard input in pieces."""
    saved = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]

    def feed():
        for start, end in itertools.pairwise(edges):
            os.write(writer, data[start:end])
        os.close(writer)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        readings, error = until_error("-")
    finally:
        # Read everything, or a writer with more than fits into the pipe would wait for ever.
        while os.read(0, 1 << 16):
            pass
        thread.join()
        os.dup2(saved, 0)
        os.close(saved)
    return readings, str(error)


FRAGMENTS = (
    *(b"2013-05-21 00:0", b"1/2/2007;", b"00:0", b"0", b"1", b"2", b".", b",", b";", b"\n"),
    *(b"\r\n", b'"', b"?", b"nan", b"\xff", b"\xc3\xa9", b"\0", b"999", b"Z", b"_"),
    *(b"2013-05-21 00:01,0.5\n", b"timestamp,kw\n", UCI_HEADER.encode() + b"\n"),
)
TABLE_BYTES = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join)
HEADS = st.sampled_from([b"", b"timestamp,kw\n", b"\xef\xbb\xbftime;x\n", UCI.encode()])


class TestProperties:
    @given(data=st.one_of(st.binary(max_size=300), TABLE_BYTES), head=HEADS)
    def test_any_bytes_give_readings_or_an_error(self, tmp_path_factory, data, head):
        path = tmp_path_factory.getbasetemp() / "any.csv"
        path.write_bytes(head + data)
        readings, error = until_error(path)
        assert str(error).isprintable()
        times = [reading.at for reading in readings]
        assert all(earlier < later for earlier, later in itertools.pairwise(times))
        assert all(abs(reading.kw) <= 100 for reading in readings)

    @given(
        data=st.binary(max_size=200),
        place=st.integers(0, 400),
        packed=st.sampled_from(["gz", "zip"]),
    )
    def test_any_damage_gives_readings_or_an_error(self, tmp_path_factory, data, place, packed):
        whole = gzip.compress(UCI.encode(), mtime=0)
        if packed == "zip":
            whole = TestCompression().zipped(a__txt=UCI)
        path = tmp_path_factory.getbasetemp() / "any.packed"
        path.write_bytes(whole[:place] + data + whole[place + len(data) :])
        _, error = until_error(path)
        assert str(error).isprintable()

    @settings(deadline=None, max_examples=60)
    @given(data=TABLE_BYTES, head=HEADS, cuts=st.lists(st.integers(0, 2000), max_size=8))
    def test_pieces_give_the_same_readings_as_the_whole(self, data, head, cuts):
        assert piped(head + data, cuts) == piped(head + data, [])

    @settings(deadline=None, max_examples=60)
    @given(
        watt_minutes=st.lists(st.one_of(st.none(), st.integers(-9999, 9999)), min_size=1),
        start=st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),
        skips=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
        line_end=st.sampled_from(["\n", "\r\n"]),
        padded=st.booleans(),
        size=st.integers(1, 500),
    )
    def test_generated_uci_files_are_read_exactly(
        self, watt_minutes, start, skips, line_end, padded, size
    ):
        at = start.replace(second=0, microsecond=0)
        lines, expected = [UCI_HEADER], []
        for watts, skip in zip(
            watt_minutes, itertools.chain([1, 1], itertools.cycle(skips)), strict=False
        ):
            day = f"{at:%d/%m/%Y}" if padded else f"{at.day}/{at.month}/{at.year}"
            value = "?" if watts is None else f"{watts / 1000:.3f}"
            others = "?;?;?;?;?;" if watts is None else "0.418;234.840;18.400;0.000;1.000;17.0"
            lines.append(f"{day};{at:%H:%M:%S};{value};{others}")
            if watts is not None:
                expected.append(Reading(at, watts / 1000))
            at += timedelta(minutes=skip)
        data = (line_end.join(lines) + line_end).encode()
        readings, error = piped(data, range(size, len(data), size))
        assert readings == expected
        assert ("no reading found" in error) == (not expected)
