"""Plug-ins by name: entry points of a group, and objects of importable modules."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from inspect import isroutine
from pathlib import Path
from typing import Any

from streamer.display.lines import one_line, shorten
from streamer.errors import PluginError, StreamerError, UsageError

_OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class PluginGroup:
    """Plug-ins of one kind.

    A plug-in is named by ``module:object``, by an entry point of the group, or by an entry point
    and an argument for it, ``name:argument``. What the name leads to is the plug-in itself, or a
    class or a function that makes it: from the argument, if there is one.

    Attributes:
        group: the group of entry points.
        kind: what its plug-ins are, for messages.
        shipped: those that are part of this package, each as ``module:object``.
    """

    group: str
    kind: str
    shipped: Mapping[str, str] = field(default_factory=dict)

    def targets(self) -> dict[str, str]:
        """``module:object`` behind each name, in alphabetical order; ours take precedence."""
        found = {point.name: point.value for point in entry_points(group=self.group)}
        return dict(sorted({**found, **self.shipped}.items()))

    def has(self, text: str) -> bool:
        """Whether a text names a plug-in, which may still turn out not to exist."""
        if text.partition(":")[0] in self.shipped or _OBJECT.fullmatch(text):
            return True
        return text.partition(":")[0] in self.targets()

    def make(self, text: str) -> Any:
        """Make the plug-in of a name: import it, and call it if it is a class or a function.

        Raises:
            UsageError: it does not exist, or what it needs is not installed.
            PluginError: its code raises an exception.
        """
        name, colon, argument = text.partition(":")
        target = self.shipped.get(name) or self.targets().get(name)
        if target is None:
            if not _OBJECT.fullmatch(text):
                raise UsageError(
                    f"no {self.kind} {shorten(text)}: give module:object, or one of: "
                    f"{', '.join(self.targets())}"
                )
            target, colon = text, ""
        with _explained(self.kind, text):
            found = _import(self.kind, target, text)
            if isinstance(found, type) or isroutine(found):
                found = found(argument) if colon else found()
        return found


def import_object(kind: str, text: str) -> Any:
    """Import an object of a module, from the present folder or the installed packages.

    Args:
        kind: what it is, for messages.
        text: the object, as ``module:object``.

    Raises:
        UsageError: it does not exist.
        PluginError: the code of its module raises an exception.
    """
    if not _OBJECT.fullmatch(text):
        raise UsageError(f"no {kind} {shorten(text)}: give module:object")
    with _explained(kind, text):
        return _import(kind, text, text)


@contextmanager
def _explained(kind: str, text: str) -> Iterator[None]:
    try:
        yield
    except StreamerError:
        raise
    except Exception as error:
        # Plug-ins run their own code, which may raise anything.
        why = one_line(f"{type(error).__name__}: {error}")
        raise PluginError(f"the {kind} {shorten(text)} cannot be made: {why}") from error


def _import(kind: str, target: str, text: str) -> Any:
    module, _, path = target.partition(":")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        # The script of a command has its own folder there, instead of the user's.
        sys.path.insert(0, here)
    if find_spec(module.partition(".")[0]) is None:
        raise UsageError(
            f"no {kind} {shorten(text)}: there is no module {module} here or among the "
            "installed packages"
        )
    found = import_module(module)
    for name in path.split("."):
        if not hasattr(found, name):
            raise UsageError(f"no {kind} {shorten(text)}: {module} has no {path}")
        found = getattr(found, name)
    return found


def parse_call(text: str) -> tuple[str, dict[str, Any]]:
    """Parse a name with arguments in parentheses, which are plain values by name.

    Raises:
        UsageError: it has another form.

    >>> parse_call("SNARIMAX(p=2, d=1, q=1)")
    ('SNARIMAX', {'p': 2, 'd': 1, 'q': 1})
    >>> parse_call("LinearRegression")
    ('LinearRegression', {})
    """
    wrong = UsageError(f"{shorten(text)}: give a name, or one with values: NAME(p=2, d=1)")
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise wrong from None
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    name = ast.unparse(call.func)
    if call.args or not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        raise wrong
    values = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise wrong
        try:
            values[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            raise wrong from None
    return name, values
