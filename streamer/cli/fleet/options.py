"""Options shared by the fleet commands."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class FileFormat(StrEnum):
    """Format of a fleet's files."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


CheckpointOption = Annotated[
    str,
    typer.Option(metavar="DIR", help="The checkpoint folder of the run.", show_default=False),
]

MasterOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Spark's master: local[2], spark://HOST:7077, yarn, … By default that of "
        "spark-submit, or all cores of this machine.",
        show_default=False,
    ),
]

ConfOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Spark setting; may be given several times.",
        show_default=False,
    ),
]

VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show Spark's log on the terminal.")
]
