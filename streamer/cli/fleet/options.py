"""Options that the commands on Spark have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class FileFormat(StrEnum):
    """What the files of a fleet are."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


MasterOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Spark's master: local[2], spark://HOST:7077, yarn, … By default all cores of "
        "this machine, or what spark-submit says.",
        show_default=False,
    ),
]

ConfOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="A setting of Spark's; may be given again.", show_default=False
    ),
]

VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Let Spark's log onto the terminal.")
]
