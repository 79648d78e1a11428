"""Styled text for a screen of a given width."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence

from rich.text import Span, Text

from streamer.display import lines as display_lines
from streamer.display.bars import bar
from streamer.display.numbers import NOTHING, fixed

# Names of styles: `themes` gives each its colours and attributes.
LABEL = "streamer.label"
FAINT = "streamer.faint"
STRONG = "streamer.strong"
ACTUAL = "streamer.actual"
HANGING = "streamer.hanging"
FORECAST = "streamer.forecast"
SOLAR = "streamer.solar"
BAND = "streamer.band"
GOOD = "streamer.good"
BAD = "streamer.bad"
WARNING = "streamer.warning"

Part = str | tuple[str, str]

_MIN_WRAPPED = 16
"""Cells from which a text is wrapped; on fewer it would be a column of single words."""

_ASCII = str.maketrans(
    {
        **dict.fromkeys("▁▂", "."),
        **dict.fromkeys("▃▄▅▀", ":"),
        **dict.fromkeys("▆▇█", "#"),
        **dict.fromkeys("─−–", "-"),
        "━": "=",
        **dict.fromkeys("│┊", "|"),
        **dict.fromkeys("┬┴┤└", "+"),
        "▔": "'",
        "•": "o",
        "·": "|",
        "×": "x",
        "²": "2",
        "€": "EUR",
        "▒": "=",
        "░": "-",
        "┃": "|",
        "…": "~",
        "←": "<",
        "→": ">",
        "↑": "^",
        "↓": "v",
        # Braille: forecasts have dots on the left, bands only on the right.
        **{chr(0x2800 + bits): "o" if bits & 0x47 else "-" for bits in range(256)},
    }
)
_HANGING_ASCII = str.maketrans("▁▂▃▄▅▆▇", "##:::..")
"""The part of a bar in a cell beside these blocks, which are drawn in reverse."""


def percent(skill: float | None) -> Text:
    """A skill in percent with its sign, in the style of good above zero and of bad below."""
    if skill is None or not math.isfinite(100.0 * skill):
        return Text(NOTHING)
    text = fixed(100.0 * skill, 1, signed=True) + " %"
    if not text.strip("+−0. %"):  # what is shown as zero is neither good nor bad
        return Text(text)
    return Text(text, style=GOOD if skill > 0 else BAD)


def printable(text: str, *, only_ascii: bool) -> str:
    r"""Text from outside without characters that would affect the terminal.

    Control characters become ``?``, and in ASCII mode so does everything without an ASCII
    equivalent.

    >>> printable("Süd\x1b[2J", only_ascii=True)
    'Sud?[2J'
    """
    text = display_lines.printable(text)
    if not only_ascii:
        return text
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def to_ascii(line: Text) -> Text:
    """The same line in ASCII, glyph for glyph."""
    plain, spans = line.plain, line.spans
    for span in spans:
        if span.style == HANGING:
            reversed_part = plain[span.start : span.end].translate(_HANGING_ASCII)
            plain = plain[: span.start] + reversed_part + plain[span.end :]
    spans = [Span(s.start, s.end, ACTUAL if s.style == HANGING else s.style) for s in spans]
    return Text(plain.translate(_ASCII), style=line.style, spans=spans, no_wrap=True, end="")


def line(*parts: Part | Text) -> Text:
    """One line made of plain and styled parts."""
    text = Text(no_wrap=True, end="")
    for part in parts:
        if isinstance(part, tuple):
            text.append(part[0], part[1])
        else:
            text.append(part)
    return text


def fit(text: Text, width: int, *, pad: bool = True) -> Text:
    """Cut a line to a width in cells, with an ellipsis if it was too long."""
    text.truncate(width, overflow="ellipsis", pad=pad)
    return text


def wrap(beginning: Text, text: Part, width: int, height: int) -> list[Text]:
    """An entry of a list on as many lines as its text needs, indented below its beginning.

    Args:
        beginning: what stands before the text, such as a time.
        text: the text, in one style.
        width: width in cells.
        height: lines there are.

    Returns:
        All lines; the text cut short to one line if there is room for that alone; none if the
        whole text does not fit in more lines than one.
    """
    content, style = text if isinstance(text, tuple) else (text, "")
    indent = beginning.cell_len
    parts = textwrap.wrap(content, max(1, width - indent)) if width - indent >= _MIN_WRAPPED else []
    if len(parts) > height:
        return [fit(line(beginning, (content, style)), width, pad=False)] if height == 1 else []
    if not parts:
        parts = [content] if height else []
    lines = [line(beginning if i == 0 else " " * indent, (p, style)) for i, p in enumerate(parts)]
    return [fit(one, width, pad=False) for one in lines]


def choose(width: int, *candidates: Text) -> Text:
    """The first candidate that fits the width; if none fits, the last one cut short."""
    for candidate in candidates:
        if candidate.cell_len <= width:
            return candidate
    return fit(candidates[-1], width)


def apart(left: Text, right: Text, width: int) -> Text:
    """Two texts at the two ends of a line; the left one is cut if they do not fit."""
    room = width - right.cell_len - 1
    return line(fit(left, room), " ", right) if room > 0 else fit(right, width)


def beside(columns: Sequence[tuple[list[Text], int]], height: int) -> list[Text]:
    """Blocks side by side with a thin line between them.

    Args:
        columns: lines and width of each block.
        height: number of lines to return.
    """
    rows = []
    for index in range(height):
        row = Text(no_wrap=True, end="")
        for number_, (lines, width) in enumerate(columns):
            if number_:
                row.append("│", FAINT)
            row.append_text(fit(lines[index] if index < len(lines) else Text(), width))
        rows.append(row)
    return rows


def heading(title: str, width: int, *, share: float = 0.0, notes: Sequence[str] = ()) -> Text:
    """A thin line with the title of the block below it.

    Args:
        title: text at the left end.
        width: width of the block in cells.
        share: share of the line that is drawn thick, as a progress bar, 0 to 1.
        notes: texts for the right end, of which the first that fits is used.
    """
    left = line(("─ ", FAINT), title, " ") if title else Text()
    left = fit(left, width, pad=False)
    rights = [line((f" {note} ", LABEL), ("─", FAINT)) for note in notes]
    room = width - left.cell_len
    right = next((text for text in rights if text.cell_len <= room), Text())
    thick, thin = bar(share, room - right.cell_len)
    return line(left, (thick, STRONG), (thin, FAINT), right)


def rule(headings: Sequence[Text], joint: str) -> Text:
    """A thin line above blocks side by side.

    Args:
        headings: the part above each block.
        joint: character where two blocks meet.
    """
    row = Text(no_wrap=True, end="")
    for index, part in enumerate(headings):
        if index:
            row.append(joint, FAINT)
        row.append_text(part)
    return row
