"""JSON presented as delimited text."""

import csv
import itertools
import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import FormatError, SourceError, StreamerError, UsageError
from streamer.readings import Notice
from streamer.sources.files import jsontext
from streamer.sources.files.bytestream import open_bytes
from streamer.sources.files.delimited import open_replay
from streamer.sources.files.framing import LineReader
from tests.sources.files.conftest import piped_lines, read_lines
from tests.sources.files.packing import zipped

TIMES = [f"2024-03-12T17:{i:02}:00" for i in range(60)]
EPOCHS = [1710262800000 + 60000 * i for i in range(60)]
WATTS = [269.1 + i for i in range(60)]
RECORDS = [{"time": at, "power_w": watts} for at, watts in zip(TIMES, WATTS, strict=True)]
ROWS = [f"{at}\t{watts}" for at, watts in zip(TIMES, WATTS, strict=True)]
RECORD_ITEMS = list(zip(TIMES, WATTS, strict=True))
POINTS = [[at, watts] for at, watts in zip(EPOCHS, WATTS, strict=True)]
POINT_ROWS = [f"{at}\t{watts}" for at, watts in POINTS]
JSON_LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


def metric(name):
    """A series of Prometheus."""
    return {"metric": {"__name__": name, "job": "x"}, "values": [[at, str(w)] for at, w in POINTS]}


def state(entity, value, at, unit):
    """A state of Home Assistant's history."""
    attributes = {"unit_of_measurement": unit, "friendly_name": "A, b"}
    return {"entity_id": entity, "state": value, "attributes": attributes, "last_changed": at}


def history(entity, unit):
    """Home Assistant's history of an entity, with minimal_response."""
    rest = [
        {"state": str(w), "last_changed": at} for at, w in zip(TIMES[1:], WATTS[1:], strict=True)
    ]
    return [state(entity, str(WATTS[0]), TIMES[0], unit), *rest]


# The documents, with the lines that they are presented as.
DOCUMENTS = {
    "records": (RECORDS, ["time\tpower_w", *ROWS]),
    "points, as of emoncms": (POINTS, POINT_ROWS),
    "points with a header": ([["time", "p"], *POINTS], ["time\tp", *POINT_ROWS]),
    "an object with records": (
        {"count": 60, "next": None, "results": RECORDS, "units": ["W"]},
        ["time\tpower_w", *ROWS],
    ),
    "records beside a single one": (
        {"meta": [{"x": 1}], "data": RECORDS},
        ["time\tpower_w", *ROWS],
    ),
    "an object deep down, as of Tibber": (
        {"data": {"viewer": {"homes": [{"consumption": {"nodes": RECORDS}}]}}},
        ["time\tpower_w", *ROWS],
    ),
    "InfluxDB": (
        {"results": [{"series": [{"name": "p", "columns": ["time", "mean"], "values": POINTS}]}]},
        ["time\tmean", *POINT_ROWS],
    ),
    "Prometheus": (
        {"status": "success", "data": {"resultType": "matrix", "result": [metric("p_watts")]}},
        ["time\tp_watts", *POINT_ROWS],
    ),
    "Graphite": (
        [{"target": "house.power_w", "datapoints": [[w, at] for at, w in POINTS]}],
        ["house.power_w\ttime", *(f"{w}\t{at}" for at, w in POINTS)],
    ),
    "a frame of Grafana": (
        {
            "results": {
                "A": {
                    "frames": [
                        {
                            "schema": {"fields": [{"name": "Time"}, {"name": "power_w"}]},
                            "data": {"values": [EPOCHS, WATTS]},
                        }
                    ]
                }
            }
        },
        ["Time\tpower_w", *POINT_ROWS],
    ),
    "a table of Grafana": (
        [{"type": "table", "columns": [{"text": "Time"}, {"text": "P"}], "rows": POINTS}],
        ["Time\tP", *POINT_ROWS],
    ),
    "values with a unit beside them, as of SolarEdge": (
        {
            "energy": {
                "unit": "Wh",
                "values": [{"date": a, "value": w} for a, w in zip(TIMES, WATTS, strict=True)],
            }
        },
        ["date\tvalue Wh", *ROWS],
    ),
    "a unit in each record, as of Tibber": (
        [{"from": a, "consumption": w, "consumptionUnit": "kWh"} for a, w in RECORD_ITEMS],
        [
            "from\tconsumption kWh\tconsumptionUnit",
            *(f"{a}\t{w}\tkWh" for a, w in RECORD_ITEMS),
        ],
    ),
    "blocks of rows, as of Shelly": (
        {
            "keys": ["total_act_energy", "n_act"],
            "data": [
                {"ts": 1656356400, "period": 60, "values": [[1.5, 2], [1.25, 3]]},
                {"ts": 1656357000, "period": 60, "values": [[9, 4]]},
            ],
        },
        [
            "ts\ttotal_act_energy\tn_act",
            *("1656356400\t1.5\t2", "1656356460\t1.25\t3", "1656357000\t9\t4"),
        ],
    ),
    "tuples beside extremes, as of Volkszaehler": (
        {
            "version": "0.3",
            "data": {
                "tuples": [[*p, 1] for p in POINTS],
                "min": [1, 2.5],
                "max": [3, 4],
                "rows": 60,
            },
        },
        [f"{row}\t1" for row in POINT_ROWS],
    ),
    "labels, as of IoTaWatt and Netdata": (
        {"labels": ["time", "main_w"], "data": POINTS},
        ["time\tmain_w", *POINT_ROWS],
    ),
    "VictoriaMetrics": (
        {"metric": {"__name__": "p_watts"}, "values": WATTS, "timestamps": EPOCHS},
        ["p_watts\ttimestamps", *(f"{w}\t{at}" for at, w in POINTS)],
    ),
    "offsets in seconds, as of Fronius": (
        {"PowerReal_PAC_Sum": {"Unit": "W", "Values": {"0": 1, "300": 2, "600": None}}},
        ["index\tValues", "0\t1", "300\t2", "600\t"],
    ),
    "statistics of Home Assistant": (
        {
            "id": 1,
            "type": "result",
            "result": {"sensor.p": [{"start": a, "mean": w} for a, w in POINTS]},
        },
        ["start\tmean", *POINT_ROWS],
    ),
    "columns": ({"hourly": {"time": TIMES, "power_w": WATTS}}, ["time\tpower_w", *ROWS]),
    "columns without names": ([EPOCHS, WATTS], POINT_ROWS),
    "pandas": (
        {"time": dict(enumerate(TIMES)), "power_w": dict(enumerate(WATTS))},
        ["time\tpower_w", *ROWS],
    ),
    "pandas with an index of times": (
        {"power_w": dict(zip(EPOCHS, WATTS, strict=True))},
        ["time\tpower_w", *POINT_ROWS],
    ),
    "pandas, orient index": (dict(enumerate(RECORDS)), ["time\tpower_w", *ROWS]),
    "pandas, orient split": (
        {"columns": ["power_w"], "index": EPOCHS, "data": [[watts] for watts in WATTS]},
        ["time\tpower_w", *POINT_ROWS],
    ),
    "values by time": (
        {"result": dict(zip(TIMES, WATTS, strict=True))},
        ["time\tresult", *ROWS],
    ),
    "phases in each record": (
        [{"t": at, "emeters": [{"power": w}, {"power": 1}], "ok": True} for at, w in POINTS],
        ["t\temeters.0.power\temeters.1.power\tok", *(f"{row}\t1\ttrue" for row in POINT_ROWS)],
    ),
    "keys that not every record has": (
        [{"a": 1, "b": None}, {"b": 2, "c": {"d": [3, 4]}}],
        ["a\tb\tc.d.0\tc.d.1", "1\t\t\t", "\t2\t3\t4"],
    ),
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(lines_of, name, indent):
    document, expected = DOCUMENTS[name]
    text = json.dumps(document, indent=indent).encode()
    assert lines_of(text) == expected
    assert lines_of(b"\xef\xbb\xbf\n " + text + b"\n\n") == expected
    assert piped_lines(text, range(0, 3000, 501)) == expected


@pytest.mark.parametrize(
    "text",
    [
        JSON_LINES,
        JSON_LINES.replace("\n", "\r\n"),
        JSON_LINES.replace("\n", "\r"),
        JSON_LINES.replace("}\n", "},\n"),
        "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
        "\n".join(json.dumps(record, indent=1) for record in RECORDS),
    ],
)
def test_one_record_after_another(lines_of, text):
    assert lines_of(text.encode()) == ["time\tpower_w", *ROWS]
    assert piped_lines(text.encode(), range(0, 9000, 777)) == ["time\tpower_w", *ROWS]
    assert lines_of(zipped({"house.jsonl": text})) == ["time\tpower_w", *ROWS]


class TestHistory:
    """Home Assistant's history: an array of states for each entity."""

    def table(self, lines_of, *entities):
        header, *rows = csv.reader(lines_of(json.dumps(entities).encode()), delimiter="\t")
        return header, [dict(zip(header, row, strict=True)) for row in rows]

    def test_the_unit_is_part_of_the_name(self, lines_of):
        header, rows = self.table(lines_of, history("sensor.p", "W"))
        assert "state W" in header
        assert [row["state W"] for row in rows] == [str(watts) for watts in WATTS]
        assert {row["entity_id"] for row in rows} == {"sensor.p"}
        assert {row["attributes.unit_of_measurement"] for row in rows} == {"W"}

    @pytest.mark.parametrize("unit", ["°C", ""])
    def test_units_that_differ_are_not(self, lines_of, unit):
        header, rows = self.table(lines_of, history("sensor.p", "W"), history("sensor.t", unit))
        assert "state" in header
        assert [row["entity_id"] for row in rows] == ["sensor.p"] * 60 + ["sensor.t"] * 60
        assert rows[70]["attributes.unit_of_measurement"] == unit

    def test_more_entities_than_states(self, lines_of):
        entities = [history(f"sensor.p{i}", "W")[:9] for i in range(30)]
        header, rows = self.table(lines_of, *entities)
        assert "state W" in header
        assert len(rows) == 270

    def test_an_entity_without_states(self, lines_of):
        _, rows = self.table(lines_of, [], history("sensor.p", "W"))
        assert len(rows) == 60


class TestChoice:
    def test_several_tables_are_listed_with_the_option(self, lines_of):
        text = json.dumps({"a": RECORDS, "b": {"c": RECORDS[:9]}}).encode()
        with pytest.raises(UsageError) as caught:
            lines_of(text)
        assert str(caught.value) == ("house.csv contains 2 tables (a, b.c); choose one: --member a")
        assert lines_of(text, member="b.c") == ["time\tpower_w", *ROWS[:9]]
        with pytest.raises(UsageError, match=r"\(a, b\.c\), but no 'x'; choose one"):
            lines_of(text, member="x")

    def test_series_are_chosen_by_name(self, lines_of):
        result = [metric("a_watts"), metric("b_watts")]
        text = json.dumps({"data": {"result": result}}).encode()
        with pytest.raises(UsageError, match=r"data\.result\.0\.values \(a_watts\)"):
            lines_of(text)
        assert lines_of(text, member="data.result.1.values")[0] == "time\tb_watts"
        assert lines_of(text, member="b_watts")[0] == "time\tb_watts"
        assert lines_of(text, member="1.values")[0] == "time\tb_watts"

    def test_a_member_of_what_has_none(self, lines_of):
        for text in (JSON_LINES, json.dumps(RECORDS)):
            with pytest.raises(UsageError, match=r"contains no 'x'; leave out --member"):
                lines_of(text.encode(), member="x")


class TestLines:
    def test_rows_are_numbered_as_in_the_file(self, lines_of, tmp_path):
        bad = '{"time": "2024-03-12T18:00:00", "power_w": 2'
        path = tmp_path / "house.jsonl"
        path.write_text(JSON_LINES + "\n" + bad + "\nfoo\t1\n[1, 2]\n" + json.dumps(RECORDS[0]))
        lines = read_lines(path)
        name, stream = open_bytes(path)
        reader = LineReader(name, stream)
        assert (reader.delimiter, reader.added_lines) == ("\t", 1)
        reader.close()
        assert lines[: 1 + len(ROWS)] == ["time\tpower_w", *ROWS]
        # One field each, where two are expected.
        rest = list(csv.reader(lines[1 + len(ROWS) :], delimiter="\t", strict=True))
        assert rest == [[], [bad], ["foo 1"], ["[1, 2]"], ROWS[0].split("\t")]

    def test_messages_give_the_line_of_the_file(self, tmp_path):
        path = tmp_path / "house.jsonl"
        path.write_text(JSON_LINES + "\n{\n" + JSON_LINES.replace("T17", "T18"))
        source = open_replay(path)
        items = list(itertools.chain.from_iterable(iter(source.read, [])))
        source.close()
        assert source.readings == 120
        (notice,) = (item for item in items if isinstance(item, Notice))
        assert notice.text.startswith("house.jsonl:62: ")

    def test_messages_give_the_record_of_a_document(self, tmp_path):
        path = tmp_path / "house.json"
        path.write_text(json.dumps([*RECORDS[:7], {"time": "x", "power_w": 1}, *RECORDS[7:]]))
        source = open_replay(path)
        items = list(itertools.chain.from_iterable(iter(source.read, [])))
        source.close()
        (notice,) = (item for item in items if isinstance(item, Notice))
        assert notice.text.startswith("house.json:8: ")

    def test_a_damaged_first_line_is_one_bad_row(self, lines_of):
        for bad in ('{"time": "2024-03-12T16:', '{"time" 3}'):
            _, first, *rows = lines_of(f"{bad}\n{JSON_LINES}".encode())
            assert list(csv.reader([first], delimiter="\t")) == [[bad]]
            assert rows == ROWS

    def test_arrays_have_no_header(self, lines_of, tmp_path):
        text = "\n".join(map(json.dumps, POINTS)).encode()
        assert lines_of(text) == POINT_ROWS
        name, stream = open_bytes(tmp_path / "house.csv")
        reader = LineReader(name, stream)
        assert (reader.delimiter, reader.added_lines) == ("\t", 0)
        reader.close()

    def test_a_file_has_the_columns_of_its_first_hundred_records(self, lines_of):
        records = [{"time": 1, "v": 230}] * 50 + [{"time": 2, "power_w": 5}] * 60 + [{"z": 1}]
        text = "".join(json.dumps(record) + "\n" for record in records).encode()
        lines = lines_of(text)
        assert lines[0] == "time\tv\tpower_w"
        assert lines[-2:] == ["2\t\t5", "\t\t"]
        assert piped_lines(text)[0] == "time\tv"

    def test_records_of_a_pipe_are_returned_as_they_arrive(self, stdin):
        lines = JSON_LINES.splitlines(keepends=True)
        stdin.write(lines[0].encode())
        _, stream = open_bytes("-")
        assert stream.read().decode() == f"time\tpower_w\n{ROWS[0]}\n"
        stdin.write(lines[1].encode() + b'{"time"')
        assert stream.read().decode() == f"{ROWS[1]}\n"
        stdin.close()
        assert list(csv.reader([stream.read().decode()], delimiter="\t")) == [['{"time"']]
        assert stream.read() == b""

    def test_values_are_fields_of_one_line(self, lines_of):
        text = r'{"time": 1, "x": "a\tb\r\n\"c\", d;e", "y\u0000": "\ud800é", "": 1.50, "n": NaN}'
        (header, line) = lines_of(text.encode())
        assert header.split("\t") == ["time", "x", "y\0", "_", "n"]
        fields = next(csv.reader([line], delimiter="\t", strict=True))
        assert fields == ["1", 'a b "c", d;e', "?é", "1.50", "NaN"]

    def test_many_lines_that_are_no_records(self, lines_of):
        lines = lines_of(JSON_LINES.encode() + b"x\n" * 3000 + b'{"new": 1, "time": 2}\n')
        assert lines[0] == "time\tpower_w"
        assert lines[-2:] == ["x", "2\t"]

    def test_windows_1252(self, lines_of):
        text = '{"time": 1, "gestört": "ä"}\n{"time": 2, "gestört": "€"}'.encode("cp1252")
        assert lines_of(text) == ["time\tgestört", "1\tä", "2\t€"]


class TestErrors:
    def test_a_truncated_document(self, lines_of):
        for indent in (None, 1):
            text = json.dumps(RECORDS, indent=indent).encode()
            with pytest.raises(SourceError, match=r"house\.csv is truncated: the JSON ends early"):
                lines_of(text[:-40])

    def test_an_invalid_document_is_reported_with_its_line(self, lines_of):
        text = json.dumps(RECORDS, indent=1).replace('"power_w": 280.1', '"power_w" 280.1')
        with pytest.raises(FormatError, match=r"^house\.csv:48: this is not valid JSON"):
            lines_of(text.encode())

    def test_a_document_without_a_table(self, lines_of):
        for document in ([], {}, [[]], {"a": {"b": 1}}, [1], {"x": [1, 2]}):
            with pytest.raises(SourceError, match="is JSON without an array of records; give"):
                lines_of(json.dumps(document, indent=1).encode())

    @pytest.mark.parametrize("key", ["message", "error", "detail"])
    def test_the_error_of_a_service_is_reported(self, lines_of, key):
        with pytest.raises(SourceError, match="but it reports 'Unauthorized'"):
            lines_of(json.dumps({key: "Unauthorized"}).encode())

    def test_a_document_that_is_too_long(self, lines_of, monkeypatch):
        monkeypatch.setattr(jsontext, "MAX_DOCUMENT_BYTES", 1 << 10)
        with pytest.raises(SourceError, match=r"jq -c '\.\[\]' house\.csv \| streamer replay -"):
            lines_of(json.dumps(RECORDS).encode())
        assert len(lines_of(JSON_LINES.encode())) == 61

    def test_tables_deep_down_are_found_in_linear_time(self, lines_of):
        document = POINTS * 500
        for _ in range(11):
            document = [[document]]
        started = time.process_time()
        with pytest.raises(SourceError, match="without an array of records"):
            lines_of(json.dumps(document).encode())
        assert lines_of(json.dumps([[[[POINTS]]]]).encode()) == POINT_ROWS
        assert time.process_time() - started < 5

    def test_many_series(self, lines_of):
        result = [metric(f"m{i}") for i in range(70)]
        text = json.dumps({"data": {"result": result}}).encode()
        with pytest.raises(UsageError, match=r"contains 70 tables"):
            lines_of(text)
        assert lines_of(text, member="m65")[0] == "time\tm65"

    def test_too_many_names(self, lines_of):
        text = json.dumps([{f"{i}": i, "x": i} for i in range(5000)]).encode()
        with pytest.raises(SourceError, match="records of more than 1000 names"):
            lines_of(text)

    def test_too_many_levels(self, lines_of):
        for text in ("[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000):
            with pytest.raises(SourceError, match="JSON with too many levels"):
                lines_of(text.encode())

    def test_a_line_that_is_too_long_is_an_error_after_the_rows_before_it(self, tmp_path):
        path = tmp_path / "house.jsonl"
        path.write_text(JSON_LINES + "x" * 70_000)
        _, stream = open_bytes(path)
        assert stream.read().decode().split("\n")[:-1] == ["time\tpower_w", *ROWS]
        with pytest.raises(FormatError, match=r"house\.jsonl:61: the line is longer"):
            stream.read()
        stream.close()


@pytest.mark.parametrize(
    "text",
    [
        "[2024-03-12 17:00:00] 269.1 W\n[2024-03-12 17:01:00] 270 W\n",
        "{time};{power}\n1;2\n",
        "[kW];x\n1;2\n",
        '{"a" b}\nfoo\n',
        "[section]\na=1\n",
    ],
)
def test_other_text_is_left_as_it_is(lines_of, text):
    assert lines_of(text.encode()) == text.split("\n")[:-1]


def test_the_progress_of_a_document_follows_its_rows(tmp_path):
    path = tmp_path / "house.json"
    path.write_text(json.dumps(RECORDS * 100))
    _, stream = open_bytes(path)
    shares = [stream.progress]
    while stream.read():
        shares.append(stream.progress)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert all(a <= b for a, b in itertools.pairwise(shares))
    assert len(shares) > 3
    stream.close()


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(
    values=st.lists(VALUES, min_size=1, max_size=6),
    indent=st.sampled_from([None, 1]),
    separator=st.sampled_from(["\n", "\r\n", " "]),
    damage=st.text(max_size=3),
    place=st.integers(0, 200),
    cuts=st.lists(st.integers(0, 1000), max_size=4),
)
def test_any_json_gives_regular_rows_or_an_error(values, indent, separator, damage, place, cuts):
    text = separator.join(json.dumps(value, indent=indent) for value in values)
    data = (text[:place] + damage + text[place:]).encode("utf-8", "replace")

    def outcome(read):
        try:
            return read()
        except StreamerError as error:
            assert str(error).isprintable()  # noqa: PT017 - any or none
            return str(error).partition(" ")[2]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        path.write_bytes(data)
        outcome(lambda: read_lines(path))
    whole = outcome(lambda: piped_lines(data))
    assert outcome(lambda: piped_lines(data, cuts)) == whole


@given(
    records=st.lists(
        st.dictionaries(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9)),
            min_size=2,
            max_size=4,
        ),
        min_size=2,
        max_size=9,
    )
)
def test_records_keep_their_values(records):
    names = list(dict.fromkeys(name for record in records for name in record))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_text("\n".join(map(json.dumps, records)))
        lines = read_lines(path)
    header, *rows = csv.reader(lines, delimiter="\t", strict=True)
    assert len(header) == len(names)
    for record, row in zip(records, rows, strict=True):
        for name, field in zip(names, row, strict=True):
            value = record.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                assert field == str(value)
            elif isinstance(value, str) and value.isprintable() and value.isascii():
                assert field == value
