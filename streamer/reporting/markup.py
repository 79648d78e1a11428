"""HTML and SVG elements in which all text is escaped."""

from __future__ import annotations

from html import escape

from streamer.display.lines import printable

_EMPTY = {"br", "circle", "line", "link", "meta", "path", "rect", "use"}


class Markup(str):
    """Text that is already markup; any other string is escaped when it is inserted."""

    __slots__ = ()


def tag(name: str, /, *parts: str | None, **attributes: str | float | None) -> Markup:
    """An element.

    Args:
        name: name of the element.
        parts: content; None is left out.
        attributes: attributes, of which those that are None are left out. In names, a trailing
            underscore is removed and other underscores become hyphens.

    >>> tag("p", "a < b", tag("b", "!"), class_="note", aria_label='"')
    '<p class="note" aria-label="&quot;">a &lt; b<b>!</b></p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_quoted(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY and not parts:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*parts)}</{name}>")


def join(*parts: str | None) -> Markup:
    """Concatenation of parts; None is left out."""
    return Markup("".join(_inside(part) for part in parts if part is not None))


def _inside(part: str) -> str:
    return part if isinstance(part, Markup) else escape(_printable(part), quote=False)


def _quoted(value: str | float) -> str:
    return escape(_printable(value) if isinstance(value, str) else f"{value:.6g}")


def _printable(text: str) -> str:
    """Text without unprintable characters and those that reverse the writing direction."""
    return printable(text, mark="\ufffd", keep="\n\xa0")
