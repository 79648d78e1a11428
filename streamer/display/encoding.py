"""ASCII forms of characters, for streams that cannot encode them."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_ERRORS = "streamer-ascii"

_FORMS = {
    **dict.fromkeys("−–—\u2010\u2011", "-"),
    **dict.fromkeys(map(chr, range(0x2500, 0x2580)), "+"),
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿", "|"),
    **dict.fromkeys(map(chr, range(0x2580, 0x25A0)), "#"),
    **dict.fromkeys("▁▂", "."),
    **dict.fromkeys("▃▄▅▀", ":"),
    **dict.fromkeys(map(chr, range(0x2800, 0x2900)), ":"),
    "▔": "'",
    "░": " ",
    "\u2800": " ",
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("•◆▶●", "*"),
    "·": ".",
    "°": " deg",
    "±": "+-",
    "µ": "u",
    "μ": "u",
    "×": "x",
    "→": "->",
    "↑": "^",
    "↓": "v",
    "←": "<-",
    "≤": "<=",
    "≥": ">=",
    "√": "sqrt",
    "ß": "ss",
    "€": "EUR",
    "£": "GBP",
}
"""Forms of what our texts and tables are made of; others lose their accents, or become ``?``."""

_DRAWN = "─█▁·²"
"""Characters that the dashboard draws with."""


def ascii_form(text: str) -> str:
    """The text in ASCII.

    >>> ascii_form("MSE 0.05 kW² – Süd…"), ascii_form("電")
    ('MSE 0.05 kW2 - Sud...', '?')
    """
    return "".join(char if char.isascii() else _form(char) for char in text)


@contextmanager
def encodable(*streams: TextIO | None) -> Iterator[None]:
    """Write characters that a stream cannot encode in their ASCII form.

    Args:
        streams: streams to set up, and to put back at the end; None is left out.
    """
    codecs.register_error(_ERRORS, _encoded)
    before = [(stream, stream.errors) for stream in streams if isinstance(stream, io.TextIOWrapper)]
    for stream, _ in before:
        stream.reconfigure(errors=_ERRORS)
    try:
        yield
    finally:
        for stream, errors in before:
            if not stream.closed:
                stream.reconfigure(errors=errors)


def can_draw(stream: TextIO) -> bool:
    """Whether a stream can encode what the dashboard draws with."""
    try:
        _DRAWN.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _form(char: str) -> str:
    plain = _FORMS.get(char)
    if plain is not None:
        return plain
    # Imported here, since most streams encode all characters.
    import unicodedata

    bare = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return bare or "?"


def _encoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return ascii_form(error.object[error.start : error.end]), error.end
