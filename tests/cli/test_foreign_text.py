"""Text from outside on its way through each command: nothing of it controls the terminal."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamer.dashboard.layout import render
from streamer.display.console import PlainConsole
from streamer.display.progress import progress_bar
from streamer.fleet.spark.sinks import batch_table
from streamer.history import History
from streamer.models import find_model
from streamer.readings import Link, Notice
from streamer.sinks.items import About
from streamer.sinks.notes import NoteSink
from streamer.sinks.summary import Summary
from tests.cli.running import run
from tests.dashboard.samples import house, make_steps
from tests.reporting.recordings import household, minutes, record

ODD = "x\x1b[2J\x9b31m\u202e\u2066[red]\x07\u2028\r[/boom]:smile:"
"""Escape sequences, C1 controls, bidirectional overrides, line ends, markup."""

NAME = ODD.replace("/", "|")
"""The same as the name of a file."""

TOML = json.dumps(ODD)
ESCAPED = "%1b%5b2J%C2%9B31m%E2%80%AE%5b/boom%5d"
ROWS = [f"2026-01-01 00:{minute:02}:00,{minute % 7 / 10}" for minute in range(60)]


def is_harmless(text: str) -> bool:
    """Whether a text holds nothing but printable characters and line feeds."""
    return text.replace("\n", "").replace("\xa0", "").isprintable()


def _write(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def _table(folder: Path, odd_row: str = "", header: str = "timestamp,power_kw") -> Path:
    rows = [*ROWS[:30], odd_row or ROWS[30], *ROWS[31:]]
    return _write(folder, "\n".join([header, *rows]) + "\n", f"{NAME}.csv")


def _zip(folder: Path) -> Path:
    path = folder / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (NAME, f"{NAME}2"):
            archive.writestr(f"{name}.csv", "timestamp,power_kw\n")
    return path


def _recording(folder: Path) -> Path:
    begin = 1_268_956_800
    return record(
        folder / f"{NAME}.db",
        minutes(household(120)),
        settings={"source": ODD, "model": ODD, "confidence": "0.9", "meter": ODD},
        events=[(begin, ODD, ODD)],
        alarms=[(begin, ODD, ODD, None)],
    )


def _model(folder: Path) -> Path:
    """The shipped model under another name, with a card that says odd things."""
    shipped, path = find_model("sceaux").parent, folder / NAME
    path.mkdir()
    (path / "model.keras").write_bytes((shipped / "model.keras").read_bytes())
    card = json.loads((shipped / "card.json").read_text(encoding="utf-8"))
    card |= {"name": ODD, "odd": ODD, ODD: 1, "limits": [ODD], "house": {ODD: [ODD]}}
    (path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return path


def _config(folder: Path, text: str) -> Sequence[str | Path]:
    return ["config", "--config", _write(folder, text, f"{NAME}.toml")]


COMMANDS: dict[str, Callable[[Path], Sequence[str | Path]]] = {
    "command": lambda _: [ODD],
    "option": lambda _: [f"--{ODD}"],
    "missing file": lambda _: ["replay", ODD],
    "value of an option": lambda _: ["replay", "--start", ODD],
    "missing model": lambda _: ["replay", "--model", ODD],
    "name of a file": lambda to: ["replay", _table(to), "--limit", "55"],
    "name of an evaluated file": lambda to: ["evaluate", _table(to)],
    "value in a file": lambda to: ["replay", "-q", _table(to, f"2026-01-01 00:30:00,{ODD}")],
    "time in a file": lambda to: ["replay", "-q", _table(to, f"{ODD},0.5")],
    "column": lambda to: ["replay", "-q", _table(to, header=f"{ODD},power_kw"), "--column", ODD],
    "key in JSON": lambda to: ["replay", _write(to, json.dumps([{ODD: 1}] * 3), "a.json")],
    "member of a zip": lambda to: ["replay", _zip(to)],
    "recording": lambda to: ["replay", "-q", _recording(to)],
    "report": lambda to: ["report", _recording(to), "--out", to / f"{NAME}.html"],
    "missing recording": lambda _: ["report", ODD],
    "card": lambda to: ["models", "show", _model(to)],
    "card as JSON": lambda to: ["models", "show", _model(to), "--json"],
    "model in use": lambda to: ["replay", "-qv", "--limit", "55", "--model", _model(to)],
    "address": lambda _: ["watch", ODD],
    "path of an address": lambda _: ["watch", f"mqtt://h/{ESCAPED}?unit=W&qos={ESCAPED}"],
    "option of an address": lambda _: ["watch", f"stdin:?{ESCAPED}=1"],
    "scheme": lambda _: ["sources", ODD],
    "secret": lambda _: ["watch", "mqtt://u@h/a?unit=W", "--password-file", ODD],
    "place of a recording": lambda to: [
        *("watch", "stdin:?unit=W", "-q"),
        *("--record", to / f"{NAME}.db"),
    ],
    "missing settings": lambda _: ["config", "--config", ODD],
    "name of settings": lambda to: _config(to, "[watch]"),
    "table of settings": lambda to: _config(to, f"[{TOML}]\nx = 1"),
    "key of settings": lambda to: _config(to, f"[watch]\n{TOML} = 1"),
    "value of settings": lambda to: _config(to, f"[watch]\nrecord = {TOML}\nuser = {TOML}"),
    "wrong value of settings": lambda to: _config(to, f"[watch]\ngrace = {TOML}"),
    "address of settings": lambda to: _config(to, f"[watch]\nurl = {TOML}"),
    "checked settings": lambda to: [
        *_config(to, '[watch]\nurl = "stdin:?unit=W"'),
        "--check",
    ],
    "training": lambda to: ["train", ODD, "--out", to / NAME],
    "download": lambda _: ["fetch", "--url", ODD],
    "houses": lambda to: [
        *("fleet", "simulate", to / NAME, "--meters", "3"),
        *("--minutes", "20"),
    ],
}


@pytest.mark.parametrize("source", COMMANDS)
def test_no_command_passes_on_what_controls_a_terminal(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run(*COMMANDS[source](tmp_path), stdin=b"")
    assert ended.code in (0, 1, 2)
    assert ended.out or ended.err
    assert is_harmless(ended.out), ended.out
    assert is_harmless(ended.err), ended.err


def test_no_variable_passes_on_what_controls_a_terminal() -> None:
    shown = run("config", environment={"STREAMER_RECORD": ODD, "STREAMER_MODEL": ODD})
    assert shown.code == 0
    wrong = run("config", environment={"STREAMER_GRACE": ODD})
    assert wrong.code == 2
    assert is_harmless(shown.out + wrong.err)


def test_no_line_of_a_pipe_passes_on_what_controls_a_terminal() -> None:
    lines = ["250", ODD, json.dumps({"power_w": ODD}), f"house,a={ODD} power_w=1", f"{ODD} 250"]
    ended = run("watch", "stdin:?unit=W", "-q", stdin="\n".join(lines).encode())
    assert ended.code == 0
    assert "malformed" in ended.err
    assert is_harmless(ended.err)


def test_no_page_passes_on_control_characters_or_markup(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("report", _recording(tmp_path), "--out", page).code == 0
    text = page.read_text(encoding="utf-8")
    assert is_harmless(text)
    assert "[/boom]" in text


def _items() -> list[object]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        About(ODD, ODD),
        Notice(Notice.WARNING, ODD),
        Notice(Notice.CONVERSION, ODD),
        Notice(Notice.REFUSED, ODD, reason=ODD),
        Link(Link.LOST, ODD, ODD, since=at),
    ]


def test_neither_notes_nor_summary_control_a_terminal() -> None:
    notes, summary = NoteSink(out := io.StringIO()), Summary(verbose=True)
    for item in [*_items(), make_steps(house(60))[-1]]:
        notes.write(item)  # type: ignore[arg-type]
        summary.write(item)  # type: ignore[arg-type]
    assert is_harmless(out.getvalue())
    assert out.getvalue().count("\n") == 4
    assert all(line.isprintable() for line in summary.lines())
    assert any("[/boom]" in line for line in summary.lines())


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
def test_the_dashboard_draws_foreign_text_harmlessly(
    size: tuple[int, int], ascii_only: bool
) -> None:
    history = History()
    for item in [*_items(), *make_steps(house(60))]:
        history.write(item)  # type: ignore[arg-type]
    console = Console(file=io.StringIO(), width=size[0], height=size[1])
    frame = render(history.snapshot(), *size, ascii=ascii_only, message=ODD, now=datetime.now(UTC))
    with console.capture() as drawn:
        console.print(frame)
    assert is_harmless(drawn.get())


def test_the_rows_of_a_fleet_are_shown_as_they_are_but_for_controls() -> None:
    numbers = dict.fromkeys(["actual_kw", "forecast_kw", "low_kw", "high_kw", "next_kw", "skill"])
    row: Any = {"meter": ODD, "minute": ODD, "alarms": [ODD], **numbers}
    console = PlainConsole(width=200)
    console.file = out = io.StringIO()
    console.print(batch_table([row], ODD))
    assert "[/boom]:smile:" in out.getvalue()
    assert is_harmless(out.getvalue())


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_console_prints_text_as_it_is_but_for_controls(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    console = PlainConsole(width=200)
    console.file = out = io.StringIO()
    table = Table(title=ODD)
    table.add_column(ODD)
    table.add_row(ODD)
    table.add_row(Text(ODD, style="red"))
    console.print(ODD, table)
    console.out(ODD)
    text = out.getvalue()
    assert "x?[2J?31m??[red]?" in text
    assert "[/boom]:smile:" in text
    for sequence in ("\x1b[2J", "\x9b", "\u202e", "\x07"):
        assert sequence not in text
    assert is_terminal == ("\x1b[31m" in text)  # rich's own red


def test_a_progress_bar_shows_text_as_it_is_but_for_controls() -> None:
    console = PlainConsole(width=100)
    console.file = out = io.StringIO()
    with progress_bar(console=console, stays=True) as bar:
        bar.add_task(ODD, total=1)
    assert "x?[2J?31m??[re" in out.getvalue()
    assert is_harmless(out.getvalue())
