"""Options for reading a file, shared by the signatures of several commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from streamer.cli.options import MaxKw, parse_moment
from streamer.commands.files import FileOptions

_Command = TypeVar("_Command", bound=Callable[..., None])


class Unit(StrEnum):
    """Unit of the value column."""

    KW = "kW"
    W = "W"
    MEGAWATT = "MW"
    MILLIWATT = "mW"
    KWH = "kWh"
    WH = "Wh"
    MWH = "MWh"


class Quantity(StrEnum):
    """Quantity in the value column."""

    POWER = "power"
    ENERGY = "energy"
    COUNTER = "counter"


class Decimal(StrEnum):
    """Decimal separator of the value column."""

    POINT = "."
    COMMA = ","


def _options(
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of the power or the energy, by name or number from 1; several joined "
            "by + are added.",
        ),
    ] = None,
    minus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Column to subtract, such as the energy fed into the grid."
        ),
    ] = None,
    solar: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of the power of the solar panels; the power must then be that at the grid "
            "connection, negative while the house exports. -NAME reverses the sign; COLUMN=VALUE "
            "chooses rows of their own, beside those of --where.",
        ),
    ] = None,
    solar_unit: Annotated[
        Unit | None,
        typer.Option("--solar-unit", help="Unit of the solar column, if its name has none."),
    ] = None,
    battery: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of the power into a battery, positive while it is charged. -NAME "
            "reverses the sign.",
        ),
    ] = None,
    battery_unit: Annotated[
        Unit | None,
        typer.Option("--battery-unit", help="Unit of the battery column, if its name has none."),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="Column of a channel that the model takes beside the power, such as voltage=U1; "
            "COLUMN:UNIT if its name has no unit. Repeatable. Those of the UCI file are found.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE",
            help="Read only the rows with this value, to choose one of several series. Repeatable.",
        ),
    ] = None,
    unit: Annotated[
        Unit | None,
        typer.Option("--unit", help="Unit of the column. By default the file's, if it has one."),
    ] = None,
    quantity: Annotated[
        Quantity | None,
        typer.Option(
            help="Mean power, energy of the interval of each row, or a counter of energy. By "
            "default found from the unit and the values.",
        ),
    ] = None,
    as_minutes: Annotated[
        bool,
        typer.Option(
            "--as-minutes",
            help="Accept rows more than a minute apart, and spread each value over its minutes.",
        ),
    ] = False,
    time_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Column of the time, by name or number from 1."),
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="strptime format of the time, such as %d.%m.%Y %H:%M."),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(
            metavar="CHAR", help="Separator of the columns; 'tab', or 'space' for runs of spaces."
        ),
    ] = None,
    decimal: Annotated[
        Decimal | None,
        typer.Option(help="Decimal separator. By default found from the column."),
    ] = None,
    member: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="File in an archive, or table in a JSON document, if several."
        ),
    ] = None,
    max_kw: MaxKw = 100.0,
    start: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="TIME", help="Begin at this time."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="TIME", help="End before this time."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Stop after N readings.")
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Fail at the first row that is malformed or out of order."),
    ] = False,
) -> None:
    """The options, in the order of the help."""


def takes_file_options(*left_out: str) -> Callable[[_Command], _Command]:
    """Return a decorator that replaces a command's parameter `options` by the options for a file.

    The command is called with a `FileOptions` made of their values.

    Args:
        left_out: names of options that do not apply to the command.
    """
    hints = get_type_hints(_options, include_extras=True)
    shared = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(_options).parameters.items()
        if name not in left_out
    ]

    def decorate(command: _Command) -> _Command:
        own = get_type_hints(command, include_extras=True)
        parameters: list[inspect.Parameter] = []
        for name, parameter in inspect.signature(command).parameters.items():
            if name == "options":
                parameters += shared
                continue
            parameters.append(
                parameter.replace(annotation=own[name], kind=inspect.Parameter.KEYWORD_ONLY)
            )

        @wraps(command)
        def called(**values: Any) -> None:
            given = {each.name: values.pop(each.name) for each in shared}
            for name in {"where", "channel"} & given.keys():
                given[name] = tuple(given[name] or ())
            plain: dict[str, Any] = {
                name: value.value if isinstance(value, StrEnum) else value
                for name, value in given.items()
            }
            command(options=FileOptions(**plain), **values)

        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called  # type: ignore[return-value]

    return decorate
