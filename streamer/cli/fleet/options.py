"""Options shared by the fleet commands."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

import typer

FileFormat = Literal["parquet", "csv", "json"]
"""Format of a fleet's files."""

KEPT = "Kept with the checkpoint"

ColumnsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help=f"Names of the source's columns, as in meter=id,minute=time,kw=power. {KEPT}.",
    ),
]

UnitOption = Annotated[
    Literal["kW", "W"] | None,
    typer.Option(help=f"Unit of the source's power. {KEPT}; kW at first."),
]

FormatOption = Annotated[
    FileFormat | None,
    typer.Option(help="Format of the source's files; by default by the ending of their names."),
]

CheckpointOption = Annotated[
    str, typer.Option(metavar="DIR", help="The checkpoint folder of the run.")
]

MasterOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Spark's master: local[2], spark://HOST:7077, yarn, … By default that of "
        "spark-submit, or all cores of this machine.",
    ),
]

ConfOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Spark setting; may be given several times."),
]

VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show Spark's log on the terminal.")
]


def given(context: typer.Context, kind: type[Any]) -> dict[str, Any]:
    """The options that are given, of those with the names of a dataclass's fields."""
    values = {it.name: context.params.get(it.name) for it in fields(kind)}
    return {name: value for name, value in values.items() if value is not None}
