"""The command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from streamer import __version__
from streamer.blas import keep_blas_to_one_thread
from streamer.cli.config import config
from streamer.cli.evaluate import evaluate
from streamer.cli.export import export
from streamer.cli.fetch import fetch
from streamer.cli.fleet import fleet
from streamer.cli.models import models
from streamer.cli.replay import replay
from streamer.cli.report import report
from streamer.cli.settings import CONTEXT
from streamer.cli.sources import sources
from streamer.cli.train import train
from streamer.cli.watch import watch
from streamer.errors import StreamerError

app = typer.Typer(
    name="streamer",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    keep_blas_to_one_thread()
    try:
        arguments = None if argv is None else list(argv)
        code = app(args=arguments, prog_name="streamer", standalone_mode=False)
    except (StreamerError, typer.TyperException) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        # Asking for nothing is answered with the whole help, which is not an error's text.
        is_help = text.startswith("Usage:")
        _complain(text if is_help else f"streamer: error: {' '.join(text.split())}")
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"streamer: error: {where}{error.strerror or error}")
        code = 1
    raise SystemExit(code or 0)


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streamer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Say the version and exit."
        ),
    ] = False,
) -> None:
    """Forecast a household's electricity one minute ahead, live, and say how well.

    Try: streamer replay
    """


app.command()(replay)
app.command(context_settings=CONTEXT)(watch)
for command in (export, report, sources, config, evaluate, train, fetch):
    app.command()(command)
app.add_typer(models, name="models")
app.add_typer(fleet, name="fleet")
