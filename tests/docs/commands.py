"""The commands and options of the command line, and those that a text uses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from typer.main import get_command

from streamer.cli import app

HELP = frozenset({"--help", "-h"})


@cache
def options() -> dict[str, frozenset[str]]:
    """The options of each command, by its full name: ``streamer fleet run``."""
    return dict(_walk("streamer", get_command(app)))


def _walk(name: str, command: Any) -> Iterator[tuple[str, frozenset[str]]]:
    inner = getattr(command, "commands", None)
    if inner:
        for word, child in inner.items():
            yield from _walk(f"{name} {word}", child)
        return
    yield name, _options_of(command) - HELP


def _options_of(command: Any) -> frozenset[str]:
    return frozenset(
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    )


@cache
def root_options() -> frozenset[str]:
    """The options of `streamer` itself, such as `--version`."""
    return _options_of(get_command(app)) | HELP


def used(text: str) -> list[str]:
    r"""The calls of streamer in a script, or in one line of prose.

    >>> used("cat a | streamer replay - -q  # all of it\nstreamer train \\\n  a.csv && echo")
    ['streamer replay - -q', 'streamer train a.csv']
    >>> used('streamer train "$(streamer fetch)"')
    ['streamer train "OUTPUT"', 'streamer fetch']
    """
    text = re.sub(r"\\\n\s*", "", text)
    text = re.sub(r"(?:^|\s)#.*", "", text)
    inner = re.findall(r"\$\(([^)]*)\)", text)
    text = "\n".join([re.sub(r"\$\([^)]*\)", "OUTPUT", text), *inner])
    calls = re.findall(r"(?:^|\s|/bin/)(streamer [^|&;>\n]+)", text, re.MULTILINE)
    return [call.strip() for call in calls]


def problem(call: str) -> str | None:
    """What is wrong with a call: an unknown command or option; None if nothing is.

    >>> problem("streamer replay house.csv --start 2010-02-20 -q")
    >>> problem("streamer --version")
    >>> problem("streamer replay --fast"), problem("streamer play")
    ('no option --fast of streamer replay', 'no command in streamer play')
    """
    words = shlex.split(call)
    if words[1:2] and words[1] in root_options():
        return None
    for length in (3, 2):
        known = options().get(" ".join(words[:length]))
        if known is None:
            continue
        for word in words[length:]:
            # A lone dash is standard input.
            if word.startswith("-") and word != "-" and word not in known:
                return f"no option {word} of {' '.join(words[:length])}"
        return None
    return f"no command in {call}"
