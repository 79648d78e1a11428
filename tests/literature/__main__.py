"""Command line of the table of published forecasts; see `--help`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streamer import StreamerError, load_model
from tests.literature.published import TABLE
from tests.literature.scoring import read_part, score_model, score_persistence
from tests.literature.tables import table


def main(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The UCI file, or a part of it.")],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Score this model, too; may be repeated."),
    ] = None,
    span: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this span, such as 2010; may be repeated."),
    ] = None,
    learn: Annotated[
        float, typer.Option(min=0.0, help="Days before a span that adapted forecasts learn from.")
    ] = 7.0,
) -> None:
    """Print published errors beside those of persistence on the same minutes, as Markdown.

    \b
    Examples:
      python -m tests.literature household_power_consumption.txt
      python -m tests.literature household_power_consumption.zip --model sceaux --span 2010
    """
    try:
        names = [each.name for each in TABLE]
        unknown = [name for name in span or [] if name not in names]
        if unknown:
            print(
                f"error: no span {unknown[0]!r}: give one of: {', '.join(names)}", file=sys.stderr
            )
            raise typer.Exit(2)
        models = [load_model(name) for name in model or []]
        window = max([49, *(each.window for each in models)])
        for each, published in TABLE.items():
            if span and each.name not in span:
                continue
            part = read_part(file, each, learn_days=learn, window=window)
            scores = [score_persistence(part)]
            for forecaster in models:
                scores += score_model(forecaster, part)
            print(table(each, part.at, published, scores))
    except StreamerError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
