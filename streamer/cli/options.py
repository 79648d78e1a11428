"""Options shared by several commands, and the parsers of their values."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from streamer.display.horizons import SHOWN, horizons_text, parse_horizons
from streamer.display.themes import ThemeName
from streamer.errors import UsageError, install_hint


class Engine(StrEnum):
    """Implementation that computes the network."""

    AUTO = "auto"
    COMPILED = "compiled"
    NUMPY = "numpy"
    TENSORFLOW = "tensorflow"


class Format(StrEnum):
    """Output format of steps."""

    AUTO = "auto"
    DASHBOARD = "dashboard"
    PLAIN = "plain"
    JSON = "json"
    CSV = "csv"


class Gaps(StrEnum):
    """Effect of a gap on the ring buffer."""

    SKIP = "skip"
    RESET = "reset"


class Horizons(tuple[int, ...]):
    """Horizons in minutes, written with commas between them.

    >>> str(Horizons((5, 15, 60)))
    '5,15,60'
    """

    __slots__ = ()

    def __str__(self) -> str:
        return horizons_text(self)

    @classmethod
    def parse(cls, text: object) -> Horizons:
        """Parse the text of an option or of a setting.

        >>> Horizons.parse("none")
        ()
        """
        try:
            return cls(parse_horizons(str(text)))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None


SHOWN_HORIZONS = Horizons(SHOWN)


def parse_moment(text: str) -> datetime:
    """Parse an ISO 8601 time, on the file's own clock.

    >>> parse_moment("2010-03-20")
    datetime.datetime(2010, 3, 20, 0, 0)
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a time; write it like 2010-03-20 or 2010-03-20T06:30"
        ) from None


def parse_number(text: str, fits: Callable[[float], bool], wanted: str) -> float:
    """Parse a number that meets a condition.

    Args:
        text: the option's value.
        fits: whether a number is accepted; must be false for NaN.
        wanted: description of an accepted value and how to write it, for the error.

    Raises:
        BadParameter: it is not a number, or not accepted.

    >>> parse_number("0.5", lambda share: 0 <= share <= 1, "a share; give one like 0.1")
    0.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not fits(number):
        raise typer.BadParameter(f"{text!r} is not {wanted}")
    return number


def parse_speed(text: str) -> float:
    """Parse a speed: a number above 0, or max.

    >>> parse_speed("60"), parse_speed("max")
    (60.0, inf)
    """
    from streamer.stream.pacing import MAX

    if text == "max":
        return MAX
    wanted = "a speed; give a number above 0 (1 is real time), or max"
    return parse_number(text, lambda speed: 0 < speed < MAX, wanted)


def parse_confidence(text: str) -> float:
    """Parse a nominal coverage: a share between 0 and 1, both excluded.

    >>> parse_confidence("0.9")
    0.9
    """
    wanted = "a share between 0 and 1; give one like 0.9, for nine readings in ten"
    return parse_number(text, lambda share: 0 < share < 1, wanted)


def parse_max_kw(text: str) -> float:
    """Parse a power above 0, in kW.

    >>> parse_max_kw("17.25")
    17.25
    """
    wanted = "a power; give a number of kW above 0"
    return parse_number(text, lambda kw: 0 < kw < math.inf, wanted)


def needs_ascii(wanted: bool) -> bool:
    """Whether to draw in ASCII only: if wanted, or if standard output can encode nothing else.

    The callback of the option ``--ascii``.
    """
    from streamer.display.encoding import can_draw

    return wanted or not can_draw(sys.stdout)


def problem_of(error: typer.TyperException) -> str:
    """Plain description of a rejected option value.

    typer wraps the messages of a validation library, which are rephrased here.

    >>> problem_of(typer.BadParameter("'x' is not a speed"))
    "'x' is not a speed"
    """
    details = getattr(error.__cause__, "errors", None)
    if details is None:
        return error.message
    detail = details()[0]
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"]).rstrip(".")
    problem = {
        "int_parsing": "is not a whole number",
        "float_parsing": "is not a number",
        "bool_parsing": "is not true or false",
        "greater_than_equal": f"is out of bounds; give at least {context.get('ge')}",
        "less_than_equal": f"is out of bounds; give at most {context.get('le')}",
    }.get(kind)
    return error.message if problem is None else f"{given!r} {problem}"


FILE_HELP = (
    "The UCI file (.txt, or its .zip as published), any other delimited text or JSON, plain or "
    "compressed, a recording of `streamer watch`, - for standard input, or uci for the file "
    "that `streamer fetch` downloads."
)

ENGINE_HELP = (
    "Implementation of the network: auto is compiled if that was built, otherwise numpy; "
    f"tensorflow needs an extra: {install_hint('train')}."
)

MaxKw = Annotated[
    float,
    typer.Option(
        parser=parse_max_kw,
        metavar="KW",
        help="Skip values beyond this as implausible for a household.",
    ),
]
GapsOption = Annotated[
    Gaps,
    typer.Option(
        "--gaps",
        help="At a gap, keep the buffer (skip), or empty it if the gap is longer than "
        "--max-gap (reset).",
    ),
]
MaxGap = Annotated[
    int,
    typer.Option(metavar="MINUTES", min=0, help="Longest gap at which reset keeps the buffer."),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A shipped model's name, a folder that `streamer train` has written, "
        "a .keras file of stacked LSTM layers and a Dense head, or a forecaster that is a "
        "plug-in: module:object, river:CLASS, sklearn:FILE, onnx:FILE, lightgbm:FILE.",
    ),
]
ChallengerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--challenger",
        metavar="MODEL",
        help="Let another forecaster run beside the model, scored on the same minutes: any value "
        "of --model, such as seasonal-naive or river:CLASS. Repeatable.",
        show_default=False,
    ),
]
ServeBestOption = Annotated[
    bool,
    typer.Option(
        "--serve-best",
        help="Show the forecast of the best of the model and its challengers, as far as that is "
        "beyond doubt.",
    ),
]
SinkOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sink",
        metavar="NAME",
        help="Also give each step to a sink of your own: module:object, or the name of an "
        "installed plug-in. Repeatable.",
        show_default=False,
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option("--engine", help=ENGINE_HELP),
]
FormatOption = Annotated[
    Format,
    typer.Option("--format", help="auto is the dashboard on a terminal, otherwise plain lines."),
]
HorizonsOption = Annotated[
    Horizons,
    typer.Option(
        "--horizons",
        parser=Horizons.parse,
        metavar="MINUTES",
        help="Show the mean forecast for so many next minutes, where the model has it: some of 1 "
        "to 15, 30 and 60, with commas between them; or none.",
    ),
]
Ascii = Annotated[
    bool,
    typer.Option("--ascii", callback=needs_ascii, help="Draw the dashboard in ASCII only."),
]
ThemeOption = Annotated[
    ThemeName,
    typer.Option(
        "--theme",
        help="Colours for a dark or a light terminal, or none; auto asks the terminal.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary and nothing else.")]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Also name the model and its engine in the summary."),
]
AdaptOption = Annotated[
    bool,
    typer.Option(
        "--adapt/--no-adapt",
        help="Correct the forecasts by what is learnt from the readings so far, or leave them "
        "as the network makes them.",
    ),
]
ConfidenceOption = Annotated[
    float,
    typer.Option(
        "--confidence",
        parser=parse_confidence,
        metavar="SHARE",
        help="Share of the readings that should lie inside the band, such as 0.8; 0.5 to 0.99 "
        "make sense.",
    ),
]


def choose_format(wanted: Format, *, quiet: bool) -> Format | None:
    """Resolve `AUTO` and `--quiet` to the output format for this standard output.

    Returns:
        Never `AUTO`; None to show no steps.

    Raises:
        UsageError: a dashboard was asked for, but standard output is not a terminal.
    """
    if quiet:
        return None
    is_terminal = sys.stdout.isatty()
    if wanted is Format.AUTO:
        full_screen = is_terminal and os.environ.get("TERM") != "dumb"
        return Format.DASHBOARD if full_screen else Format.PLAIN
    if wanted is Format.DASHBOARD and not is_terminal:
        raise UsageError("--format dashboard needs a terminal; give plain, json or csv")
    return wanted
