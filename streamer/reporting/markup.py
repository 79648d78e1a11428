"""HTML and SVG, put together so that nothing gets in unescaped."""

from __future__ import annotations

from html import escape

from streamer.display.lines import printable

_EMPTY = {"br", "circle", "line", "link", "meta", "path", "rect", "use"}


class Markup(str):
    """Text that is markup already; any other string is escaped where it is put in."""

    __slots__ = ()


def tag(name: str, /, *parts: str | None, **attributes: str | float | None) -> Markup:
    """An element.

    Args:
        name: of the element.
        parts: what is inside; None stands for nothing.
        attributes: those that are None are left out. A trailing underscore is dropped, one
            within is a hyphen.

    >>> tag("p", "a < b", tag("b", "!"), class_="note", aria_label='"')
    '<p class="note" aria-label="&quot;">a &lt; b<b>!</b></p>'
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_quoted(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY and not parts:
        return Markup(f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{join(*parts)}</{name}>")


def join(*parts: str | None) -> Markup:
    """Parts one after the other."""
    return Markup("".join(_inside(part) for part in parts if part is not None))


def _inside(part: str) -> str:
    return part if isinstance(part, Markup) else escape(_printable(part), quote=False)


def _quoted(value: str | float) -> str:
    return escape(_printable(value) if isinstance(value, str) else f"{value:.6g}")


def _printable(text: str) -> str:
    """Text without what a browser does not show, or what would turn the text round."""
    return printable(text, mark="\ufffd", keep="\n\xa0")
