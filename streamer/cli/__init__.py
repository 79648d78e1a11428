"""The command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated

import typer
from typer.main import get_command

from streamer import __version__
from streamer.cli.config import config
from streamer.cli.evaluate import evaluate
from streamer.cli.export import export
from streamer.cli.fetch import fetch
from streamer.cli.find import find
from streamer.cli.fleet import fleet
from streamer.cli.models import models
from streamer.cli.notify import notify
from streamer.cli.options import problem_of
from streamer.cli.replay import replay
from streamer.cli.report import report
from streamer.cli.service import service
from streamer.cli.settings import CONTEXT
from streamer.cli.sources import sources
from streamer.cli.train import train
from streamer.cli.watch import watch
from streamer.display.lines import one_line
from streamer.errors import StreamerError, install_hint
from streamer.stream.standard import ReaderGoneError, guarded_streams

app = typer.Typer(
    name="streamer",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n.

    A command whose reader has closed the pipe is done.
    """
    with guarded_streams():
        raise SystemExit(_run(None if argv is None else list(argv)))


def _run(arguments: list[str] | None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = _command()(args=arguments, prog_name="streamer", standalone_mode=False)
        sys.stdout.flush()
    except ReaderGoneError as error:
        code = error.exit_code
    except (StreamerError, typer.TyperException) as error:
        text = str(error)
        if isinstance(error, typer.TyperException):
            error.message = problem_of(error)
            text = error.format_message()
        # Without arguments the message is the whole help, which needs no error prefix.
        is_help = text.startswith("Usage:")
        _complain(text if is_help else f"streamer: error: {one_line(text)}")
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"streamer: error: {one_line(f'{where}{error.strerror or error}')}")
        code = 1
    return code or 0


@cache
def _command() -> Callable[..., int | None]:
    """The commands with their options: made once, for a process that runs several of them."""
    return get_command(app)


def _complain(text: str) -> None:
    # The exit code reports the failure even if standard error is closed.
    with suppress(ReaderGoneError, OSError):
        print(text, file=sys.stderr)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streamer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Forecast a household's electricity one minute ahead, live, and score the forecasts.

    Try: streamer replay
    """


app.command()(replay)
app.command(context_settings=CONTEXT)(watch)
for command in (export, report, sources, config, notify, service, evaluate):
    app.command()(command)
app.command(epilog=f"Needs an extra: {install_hint('find')}")(find)
app.command(epilog=f"Needs an extra: {install_hint('train')}")(train)
app.command(epilog=f"Needs an extra: {install_hint('fetch')}")(fetch)
app.add_typer(models, name="models")
app.add_typer(fleet, name="fleet")
