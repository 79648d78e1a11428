"""Everything that streamer raises on purpose.

::

    StreamerError
    ├── UsageError            the request itself cannot be met (exit code 2)
    │   ├── MissingExtraError     an optional dependency is not installed
    │   └── ConfigError           a setting in the configuration is wrong
    ├── SourceError           readings cannot be had (exit code 1)
    │   ├── FormatError           the text is not in the layout that was asked for
    │   ├── UnitError             the values cannot be in the unit that was asked for
    │   └── LinkError             a meter or broker cannot be reached; trying again may help
    │       └── RefusedError          the other end does not let us in, or has no such thing
    ├── RecordError           a recording cannot be written or read (exit code 1)
    ├── ModelError            a model cannot be loaded or run (exit code 1)
    │   └── ArchitectureError     the network has a layer that no engine here knows
    ├── ReadingError          a reading that a pipeline cannot take (exit code 1)
    ├── StateError            a saved state does not fit this pipeline (exit code 1)
    └── SparkError            Spark does not start, or has given up (exit code 1)

The command line prints the message as one line and nothing else, so each message says
what was wrong, where, and what to do about it.
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
    """Base of all errors that streamer raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(StreamerError):
    """The request itself cannot be met: an option or argument has to change."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A feature needs an optional dependency that is not installed.

    Args:
        feature: what was asked for, as the user would say it.
        extra: the name of the extra that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{feature} needs an extra: {install_hint(extra)}")


class ConfigError(UsageError):
    """A setting in the configuration is wrong; the message names file and key."""


class SourceError(StreamerError):
    """Readings cannot be had from a source."""


class FormatError(SourceError):
    """Text is not in the layout that was asked for.

    Args:
        where: file and line, such as ``house.csv:12``.
        what: what was found there, and what to do about it.
    """

    def __init__(self, where: str, what: str) -> None:
        self.where = where
        self.what = what
        super().__init__(f"{where}: {what}")


class UnitError(SourceError):
    """Values cannot be in the unit that was asked for."""


class LinkError(SourceError):
    """The connection to a meter or a broker is lost or cannot be made; trying again may help."""


class RefusedError(LinkError):
    """The other end does not let us in, or does not know what was asked for.

    Said at once, since trying again would not help; but one that had let us in before is
    tried again all the same, for it may be starting up.
    """


class RecordError(StreamerError):
    """A recording cannot be written or read."""


class ModelError(StreamerError):
    """A model cannot be loaded or run."""


class ArchitectureError(ModelError):
    """A network has a layer that no engine here knows."""


class ReadingError(StreamerError, ValueError):
    """A reading that a pipeline cannot take: not finite, or out of order."""


class StateError(StreamerError):
    """A saved state does not fit the pipeline it was given to."""


class SparkError(StreamerError):
    """Spark cannot be started, or has given up on a fleet."""

    def with_log(self, path: Path) -> SparkError:
        """The same, and where more can be read."""
        return SparkError(f"{self} (Spark's log: {path})")
