from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.feeds.lines.lineprotocol import PRECISIONS, Point, parse_point, parse_tags, to_time
from streamer.feeds.values import ValueProblem

# A name cannot end in a backslash: it would take the meaning of what follows it.
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
    # A line cannot begin with white space, nor, for then it is a comment, with a hash.
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


def _problem(function: Callable[..., object], *arguments: object) -> str:
    try:
        function(*arguments)
    except ValueProblem as problem:
        return str(problem)
    return ""


@given(_POINTS)
def test_reads_what_another_wrote(point: Point) -> None:
    read = parse_point(_write(point))
    assert read == point
    assert [type(value) for value in read.fields.values()] == [
        type(value) for value in point.fields.values()
    ]


@given(_POINTS, st.data())
@settings(max_examples=200)
def test_a_damaged_line_is_a_problem_or_another_point(point: Point, data: st.DataObject) -> None:
    line = _write(point)
    place = data.draw(st.integers(0, len(line)))
    damaged = line[:place] + data.draw(st.sampled_from(["", ",", " ", "=", "\\", '"', "\0"]))
    damaged += line[place + data.draw(st.integers(0, 2)) :]
    assert _problem(parse_point, damaged).isprintable()


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
def test_points(line: str, point: Point) -> None:
    assert parse_point(line) == point


@pytest.mark.parametrize("line", ["", "   ", "\r\n", "# a b=1", "  # a"])
def test_nothing(line: str) -> None:
    assert parse_point(line) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a", "no space and fields at the end"),
        (",a=b c=1", "no measurement at ',a=b c=1'"),
        ("a, b=1", "no tag at ' b=1'"),
        ("a,b= c=1", "no tag's value at ' c=1'"),
        ("a,b c=1", "no = at ' c=1'"),
        ("a b", "no = at the end"),
        ("a b=", "no value at the end"),
        ("a b=1,", "no field at the end"),
        ("a b=one", "no value at 'one'"),
        ("a b=NaN", "no value at 'NaN'"),
        ("a b=1e999", "no value at '1e999'"),
        ("a b=1_000", "no value at '1_000'"),
        ("a b=\u0661", "no value at '\u0661'"),
        ('a b="open', "no value at '\"open'"),
        ('a b="x"y', "no space and the time at 'y'"),
        ("a b=1 now", "no time at 'now'"),
        ("a b=1 2 3", "no time at '2 3'"),
        ("a b=1 " + "9" * 30, "no time at '999999999999999999999999999999'"),
        ("a b=\x1b[2Jx" + "x" * 50, "no value at '\\x1b[2Jxxxxxxxxxxxxxxxxxxxxxxxxx…'"),
    ],
)
def test_problems(line: str, problem: str) -> None:
    with pytest.raises(ValueProblem) as raised:
        parse_point(line)
    assert str(raised.value) == problem


def test_tags_by_themselves() -> None:
    assert parse_tags(r"host=cellar,room=a\ b") == {"host": "cellar", "room": "a b"}
    for text in ("", "host", "host=", "host=a,", "host=a b", "host=a=b"):
        with pytest.raises(ValueProblem):
            parse_tags(text)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_times(precision: str) -> None:
    moment = datetime(2026, 3, 29, 1, tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    steps = since * 1000 // timedelta(microseconds=1) // PRECISIONS[precision]
    assert to_time(steps, precision) == moment


@given(st.integers(-(10**20), 10**20), st.sampled_from(sorted(PRECISIONS)))
def test_any_time_is_one_or_a_problem(time: int, precision: str) -> None:
    year = 1970 + time * PRECISIONS[precision] / (365.2425 * 86400e9)
    assert bool(_problem(to_time, time, precision)) == (not 1 <= year < 10000) or (
        min(abs(year - 1), abs(year - 10000)) < 0.01
    )
