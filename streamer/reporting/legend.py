"""Legends of figures."""

from __future__ import annotations

from streamer.reporting.markup import Markup, tag


def legend(*names: tuple[str, Markup] | None) -> Markup:
    """A list of names with their signs; None is left out."""
    items = (
        tag("li", tag("svg", name[1], viewBox="0 0 26 12", aria_hidden="true"), name[0])
        for name in names
        if name is not None
    )
    return tag("ul", *items, class_="legend")


def swatch(name: str) -> Markup:
    """The sign of an area of a class of the style sheet."""
    return tag("path", d="M0 1h26v10h-26z", class_=name)


def stroke(name: str) -> Markup:
    """The sign of a line of a class of the style sheet."""
    return tag("path", d="M0 6h26", class_=name)
