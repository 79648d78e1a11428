"""Choice of the one member of an archive, or table of a document, that holds the readings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

from streamer.display.lines import printable, shorten
from streamer.errors import SourceError, UsageError

_LISTED = 5

# Documentation, pictures, programs and checksums that are published beside data, and the same
# data in formats that are not read. They are only set aside where another file remains.
_ASIDE_NAME = re.compile(
    r"(read[-_ ]?me|licen[cs]e|copying|notice|authors?|changes|changelog|citation|attribution"
    r"|terms|about|manifest|metadata|datapackage|codebook|description|info"
    r"|md5sums?|sha(1|256|512)sums?|thumbs\.db|desktop\.ini)\b",
    re.IGNORECASE,
)
_ASIDE_SUFFIXES = frozenset(
    (
        *(".asc", ".bat", ".bib", ".bmp", ".c", ".cfg", ".css", ".db", ".dll", ".do", ".doc"),
        *(".docx", ".dta", ".exe", ".feather", ".gif", ".h5", ".hdf5", ".htm", ".html"),
        *(".ico", ".ini", ".ipynb", ".jpeg", ".jpg", ".js", ".m", ".mat", ".md", ".md5"),
        *(".names", ".npy", ".npz", ".ods", ".odt", ".parquet", ".pdf", ".pickle", ".pkl"),
        *(".png", ".ppt", ".pptx", ".py", ".r", ".rdata", ".rds", ".rmd", ".rst", ".rtf"),
        *(".sav", ".sh", ".sha1", ".sha256", ".sha512", ".sig", ".sqlite", ".svg", ".tex"),
        *(".toml", ".url", ".webp", ".xls", ".xlsx", ".xml", ".xsd", ".yaml", ".yml"),
    )
)


class MemberChoice:
    """The member that is requested by an option, or else the only one that may hold data.

    Args:
        name: the file's name, for errors.
        requested: the name of a member; a path through nested archives, with ``/`` between
            them, is possible, too. None for the only one that may hold data.
    """

    def __init__(self, name: str, requested: str | None = None) -> None:
        self._name = name
        self._requested = requested

    def member(self, names: Sequence[str]) -> int:
        """Choose among the members of one archive.

        Args:
            names: their names, those of folders and empty files left out.

        Returns:
            The index of the chosen one.

        Raises:
            UsageError: the requested member does not exist, or several are possible.
            SourceError: it has none.
        """
        if not names:
            raise SourceError(f"{self._name} contains no file with data; get it again")
        if self._requested is not None:
            index = self._requested_index(names)
            if index is not None:
                return index
        possible = [i for i, name in enumerate(names) if not _is_hidden(name)]
        if not possible:
            raise SourceError(f"{self._name} contains no file with data; get it again")
        possible = [i for i in possible if not _is_aside(names[i])] or possible
        if len(possible) == 1:
            return possible[0]
        raise self._several("files", [printable(names[i]) for i in possible])

    def table(self, paths: Sequence[str], labels: Sequence[str]) -> int:
        """Choose among the tables of a document.

        Args:
            paths: the keys and indices that lead to each, joined by dots; at least one.
            labels: the name of each series; empty if it has none.

        Returns:
            The index of the chosen one.

        Raises:
            UsageError: several are possible.
        """
        if self._requested is not None:
            ending = f".{self._requested}"
            for found in (
                [i for i, path in enumerate(paths) if path == self._requested],
                [i for i, label in enumerate(labels) if label == self._requested],
                [i for i, path in enumerate(paths) if path.endswith(ending)],
            ):
                if len(found) == 1:
                    self._requested = None
                    return found[0]
        if len(paths) == 1:
            return 0
        shown = [
            f"{path} ({label})" if label else path
            for path, label in zip(paths, labels, strict=True)
        ]
        raise self._several("tables", [printable(each) for each in shown], paths[0])

    def _several(self, what: str, shown: list[str], example: str = "") -> UsageError:
        listed = ", ".join(shown[:_LISTED]) + (", …" if len(shown) > _LISTED else "")
        absent = "" if self._requested is None else f", but no {shorten(self._requested)}"
        return UsageError(
            f"{self._name} contains {len(shown)} {what} ({listed}){absent}; choose one: "
            f"--member {shlex.quote(printable(example or shown[0]))}"
        )

    @property
    def is_requested(self) -> bool:
        """Whether a member is requested that is not found yet."""
        return self._requested is not None

    def accepts(self, name: str) -> bool:
        """Whether a member may be the one, without a look at the others."""
        if self._requested is not None:
            return self._requested_index([name]) is not None
        return not (_is_hidden(name) or _is_aside(name))

    def _requested_index(self, names: Sequence[str]) -> int | None:
        requested = self._requested
        assert requested is not None  # noqa: S101 - the caller has checked it
        found = [i for i, name in enumerate(names) if name == requested]
        found = found or [i for i, name in enumerate(names) if name.endswith(f"/{requested}")]
        if len(found) == 1:
            self._requested = None
            return found[0]
        for i, name in enumerate(names):
            if requested.startswith(f"{name}/"):
                self._requested = requested[len(name) + 1 :]
                return i
        return None

    def check_used(self) -> None:
        """Check that the requested member was found.

        Raises:
            UsageError: it was not.
        """
        if self._requested is not None:
            raise UsageError(
                f"{self._name} contains no {shorten(self._requested)}; leave out --member, or "
                "correct it"
            )


def _is_hidden(name: str) -> bool:
    parts = _path(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part != ".." for part in parts)


def _is_aside(name: str) -> bool:
    path = _path(name)
    return bool(_ASIDE_NAME.match(path.name)) or path.suffix.lower() in _ASIDE_SUFFIXES


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))
