"""Tests of the painting of frames on a terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from streamer.dashboard import Frame, render
from streamer.dashboard.screen import BEGIN_UPDATE, END_UPDATE, Screen
from tests.dashboard.samples import usual

ENTER, EXIT = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
HOME = "\x1b[H"


class Terminal(StringIO):
    """A terminal that keeps each write by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)


def _console(terminal: Terminal, width: int, height: int, **options: Any) -> Console:
    settings: dict[str, Any] = {"color_system": "truecolor", "_environ": {"TERM": "xterm"}}
    return Console(
        file=terminal,
        width=width,
        height=height,
        force_terminal=True,
        legacy_windows=False,
        **(settings | options),
    )


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (200, 60)])
def test_a_frame_is_one_write_and_shown_at_once(size: tuple[int, int]) -> None:
    terminal = Terminal()
    frame = render(usual(), *size, speed="600×")
    with Screen(_console(terminal, *size)) as screen:
        terminal.writes.clear()
        screen.paint(frame)
        (written,) = terminal.writes
    assert written.startswith(BEGIN_UPDATE + HOME)
    assert written.endswith(END_UPDATE)
    assert written.count("\n") == size[1] - 1


def test_opening_and_closing_are_one_write_each_and_happen_once() -> None:
    terminal = Terminal()
    screen = Screen(_console(terminal, 80, 24))
    with screen:
        screen.open()
        assert [ENTER in text and HIDE_CURSOR in text for text in terminal.writes] == [True]
        screen.close()
        screen.close()
    assert [EXIT in text and SHOW_CURSOR in text for text in terminal.writes] == [False, True]


def test_a_frame_covers_the_whole_screen() -> None:
    terminal = Terminal()
    frame = Frame((Text("now  0.5 kW", end=""), Text("", end=""), Text("–" * 30, end="")))
    Screen(_console(terminal, 30, 5, color_system=None)).paint(frame)
    (written,) = terminal.writes
    lines = written.removeprefix(BEGIN_UPDATE + HOME).removesuffix(END_UPDATE).split("\n")
    assert lines == ["now  0.5 kW".ljust(30), " " * 30, "–" * 30, " " * 30, " " * 30]


def test_a_terminal_without_control_sequences_gets_none() -> None:
    terminal = Terminal()
    frame = render(usual(), 80, 24)
    console = _console(terminal, 80, 24, color_system=None, _environ={"TERM": "dumb"})
    Screen(console).paint(frame)
    assert "\x1b" not in "".join(terminal.writes)


def test_a_closed_terminal_is_an_error_while_painting_but_not_at_the_end() -> None:
    terminal = Terminal()
    screen = Screen(_console(terminal, 80, 24))

    def fail(text: str) -> int:
        raise OSError(5, "Input/output error")

    with screen:
        terminal.write = fail  # type: ignore[method-assign]
        with pytest.raises(OSError, match="Input/output error"):
            screen.paint(render(usual(), 80, 24))
