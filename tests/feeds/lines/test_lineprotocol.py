from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds.lines.lineprotocol import PRECISIONS, Point, parse_point, parse_tags, to_time
from streamer.feeds.values import MalformedError

# A name cannot end in a backslash, which would escape the next character.
_NAMES = st.text(
    st.characters(exclude_characters="\n\r\t", exclude_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda name: not name.endswith("\\"))
_TEXTS = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=12)
_VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    _TEXTS,
)
_POINTS = st.builds(
    Point,
    # A line cannot begin with white space, nor with a hash, which starts a comment.
    _NAMES.filter(lambda name: name[0] not in "# "),
    st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=3),
    st.dictionaries(_NAMES, _NAMES, max_size=3),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)


def _write(point: Point) -> str:
    def escaped(text: str, special: str) -> str:
        return "".join(f"\\{char}" if char in special else char for char in text)

    def written(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return '"' + escaped(value, '"\\') + '"'
        return f"{value}i" if isinstance(value, int) else repr(value)

    head = ",".join(
        [
            escaped(point.measurement, ", "),
            *(f"{escaped(k, ',= ')}={escaped(v, ',= ')}" for k, v in point.tags.items()),
        ]
    )
    fields = ",".join(f"{escaped(k, ',= ')}={written(v)}" for k, v in point.fields.items())
    return f"{head} {fields}" + ("" if point.time is None else f" {point.time}")


def _reason(function: Callable[..., object], *arguments: object) -> str:
    try:
        function(*arguments)
    except MalformedError as error:
        return str(error)
    return ""


@given(_POINTS)
def test_written_points_are_read_back(point: Point) -> None:
    read = parse_point(_write(point))
    assert read == point
    assert [type(value) for value in read.fields.values()] == [
        type(value) for value in point.fields.values()
    ]


@given(_POINTS, st.data())
def test_a_damaged_line_is_a_malformed_error_or_another_point(
    point: Point, data: st.DataObject
) -> None:
    line = _write(point)
    place = data.draw(st.integers(0, len(line)))
    damaged = line[:place] + data.draw(st.sampled_from(["", ",", " ", "=", "\\", '"', "\0"]))
    damaged += line[place + data.draw(st.integers(0, 2)) :]
    assert _reason(parse_point, damaged).isprintable()


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ("a b=1", Point("a", {"b": 1.0})),
        ("  a  b=1  2 \r\n", Point("a", {"b": 1.0}, {}, 2)),
        (
            "a,t=u b=-.5e-3,c=7i,d=8u,e=F",
            Point("a", {"b": -5e-4, "c": 7, "d": 8, "e": False}, {"t": "u"}),
        ),
        (
            r'a\ b,c\=d=e\,f g="h \"i\" \\ \j" -1',
            Point("a b", {"g": r'h "i" \ \j'}, {"c=d": "e,f"}, -1),
        ),
        ('a=b c="x y,z=1"', Point("a=b", {"c": "x y,z=1"})),
        (r"a,path=C:\dir b=1", Point("a", {"b": 1.0}, {"path": r"C:\dir"})),
    ],
)
def test_points_are_parsed(line: str, point: Point) -> None:
    assert parse_point(line) == point


@pytest.mark.parametrize("line", ["", "   ", "\r\n", "# a b=1", "  # a"])
def test_empty_lines_and_comments_give_no_point(line: str) -> None:
    assert parse_point(line) is None


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("a", "a space and fields are missing at the end"),
        (",a=b c=1", "the measurement is missing at ',a=b c=1'"),
        ("a, b=1", "a tag is missing at ' b=1'"),
        ("a,b= c=1", "the value of a tag is missing at ' c=1'"),
        ("a,b c=1", "an equals sign is missing at ' c=1'"),
        ("a b", "an equals sign is missing at the end"),
        ("a b=", "a value is missing at the end"),
        ("a b=1,", "a field is missing at the end"),
        ("a b=one", "the value is not valid at 'one'"),
        ("a b=NaN1", "the value is not valid at 'NaN1'"),
        ("a b=1e999", "the value is not valid at '1e999'"),
        ("a b=1_000", "the value is not valid at '1_000'"),
        ("a b=\u0661", "the value is not valid at '\u0661'"),
        ('a b="open', "a value is missing at '\"open'"),
        ('a b="x"y', "a space and the time are missing at 'y'"),
        ("a b=1 now", "the time is not a number at 'now'"),
        ("a b=1 2 3", "the time is not a number at '2 3'"),
        ("a b=1 " + "9" * 30, "the time is not a number at '999999999999999999999999999999'"),
        (
            "a b=\x1b[2Jx" + "x" * 50,
            "the value is not valid at '\\x1b[2Jxxxxxxxxxxxxxxxxxxxxxxxxx…'",
        ),
    ],
)
def test_malformed_lines_name_the_place(line: str, error: str) -> None:
    with pytest.raises(MalformedError) as raised:
        parse_point(line)
    assert str(raised.value) == error


def test_tags_alone_are_parsed() -> None:
    assert parse_tags(r"host=cellar,room=a\ b") == {"host": "cellar", "room": "a b"}
    for text in ("", "host", "host=", "host=a,", "host=a b", "host=a=b"):
        with pytest.raises(MalformedError):
            parse_tags(text)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_times_of_each_precision_are_converted(precision: str) -> None:
    moment = datetime(2026, 3, 29, 1, tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    steps = since * 1000 // timedelta(microseconds=1) // PRECISIONS[precision]
    assert to_time(steps, precision) == moment


@given(st.integers(-(10**20), 10**20), st.sampled_from(sorted(PRECISIONS)))
def test_any_time_is_converted_or_a_malformed_error(time: int, precision: str) -> None:
    year = 1970 + time * PRECISIONS[precision] / (365.2425 * 86400e9)
    assert bool(_reason(to_time, time, precision)) == (not 1 <= year < 10000) or (
        min(abs(year - 1), abs(year - 10000)) < 0.01
    )
