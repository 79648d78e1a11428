"""Exceptions raised by streamer.

::

    StreamerError
    ├── UsageError            the request itself cannot be met (exit code 2)
    │   ├── MissingExtraError     an optional dependency is not installed
    │   └── ConfigError           a setting in the configuration is wrong
    ├── SourceError           a source cannot provide readings (exit code 1)
    │   ├── FormatError           the text is not in the requested layout
    │   ├── UnitError             the values cannot be in the requested unit
    │   └── LinkError             a meter or broker cannot be reached; a retry may help
    │       └── RefusedError          access is denied, or the requested item does not exist
    ├── RecordError           a recording cannot be written or read (exit code 1)
    ├── ModelError            a model cannot be loaded or run (exit code 1)
    │   └── ArchitectureError     the network has a layer that no engine supports
    ├── PluginError           a plug-in cannot be made (exit code 1)
    ├── ReadingError          a reading is invalid or out of order (exit code 1)
    ├── StateError            a saved state does not match this pipeline (exit code 1)
    └── SparkError            Spark does not start, or a fleet has failed (exit code 1)

The command line prints the message as one line and nothing else, so each message states the
problem, its place, and the remedy.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

DISTRIBUTION = "streamer-forecaster"
"""Name on the package index; the package and the command are called ``streamer``."""


def requirement(extra: str) -> str:
    """The requirement that adds an extra of this distribution.

    >>> requirement("mqtt")
    'streamer-forecaster[mqtt]'
    """
    return f"{DISTRIBUTION}[{extra}]"


def install_hint(extra: str) -> str:
    """The shell command that installs an extra of this distribution.

    Every message, help text and error takes the command from here.

    >>> install_hint("mqtt")
    "pip install 'streamer-forecaster[mqtt]'"
    """
    return f"pip install '{requirement(extra)}'"


class StreamerError(Exception):
    """Base of all exceptions raised by streamer itself."""

    exit_code: ClassVar[int] = 1


class UsageError(StreamerError):
    """The request itself cannot be met: an option or argument has to change."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A feature needs an optional dependency that is not installed.

    Args:
        feature: the feature that needs it, in the user's words.
        extra: name of the extra that includes it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{feature} needs an extra: {install_hint(extra)}")


class ConfigError(UsageError):
    """A setting in the configuration is wrong; the message names file and key."""


class SourceError(StreamerError):
    """A source cannot provide readings."""


class FormatError(SourceError):
    """Text is not in the requested layout.

    Args:
        where: file and line, such as ``house.csv:12``.
        what: the problem and its remedy.
    """

    def __init__(self, where: str, what: str) -> None:
        self.where = where
        self.what = what
        super().__init__(f"{where}: {what}")


class UnitError(SourceError):
    """Values cannot be in the requested unit."""


class LinkError(SourceError):
    """The connection to a meter or a broker is lost or cannot be made; a retry may help."""


class RefusedError(LinkError):
    """The other end denies access, or the requested item does not exist.

    Reported at once, since a retry would not help; after an earlier success it is retried
    all the same, since the other end may be starting up.
    """


class RecordError(StreamerError):
    """A recording cannot be written or read."""


class ModelError(StreamerError):
    """A model cannot be loaded or run."""


class ArchitectureError(ModelError):
    """A network has a layer that no engine supports."""


class PluginError(StreamerError):
    """A plug-in cannot be made, because its own code fails."""


class ReadingError(StreamerError, ValueError):
    """A reading is invalid for a pipeline: not finite, or out of order."""


class StateError(StreamerError):
    """A saved state does not match the pipeline."""


class SparkError(StreamerError):
    """Spark cannot be started, or a fleet has failed."""

    def with_log(self, path: Path) -> SparkError:
        """The same error, with the path of Spark's log."""
        return SparkError(f"{self} (Spark's log: {path})")
