"""The direction of a power that another field of the message gives.

Among the meters that send a power without its sign are the clamps of Tuya, with
``energy_flow: producing`` in Zigbee2MQTT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamer.feeds.address import Address
from streamer.feeds.values.malformed import MalformedError, quoted
from streamer.feeds.values.numbers import is_unknown
from streamer.feeds.values.pathsum import PathSum

_EXPORT = frozenset(
    {
        *("export", "exporting", "exported", "out", "outgoing", "negative", "-", "-1"),
        *("produce", "producing", "production", "producer"),
        *("return", "returning", "returned", "reverse", "reversed"),
        *("feed-in", "feed_in", "feedin", "feeding"),
    }
)
_IMPORT = frozenset(
    {
        *("import", "importing", "imported", "in", "incoming", "positive", "+"),
        *("consume", "consuming", "consumption", "consumer", "drawing", "forward"),
    }
)

_NEGATIVE = "<0"

DIRECTION_OPTIONS = {
    "sign_path": "place of the direction of a power that is sent without a sign, as in "
    "energy_flow; export, producing, reverse and the like turn the power around",
    "export_if": "values of sign_path that mean export, like true or 2,3; <0 for any negative "
    "number; by default the usual words",
}
"""The options that `Direction.of` reads."""


@dataclass(frozen=True)
class Direction:
    """Place and meaning of a direction.

    Attributes:
        paths: places of the directions: one for all powers, or one for each.
        export_if: values that mean export, in small letters; empty for the usual words.

    >>> direction = Direction(PathSum.parse("flow"))
    >>> direction.signs({"flow": "producing"}, 2), direction.signs({"flow": "import"}, 1)
    ([-1.0, -1.0], [1.0])
    """

    paths: PathSum
    export_if: tuple[str, ...] = ()

    @classmethod
    def of(cls, address: Address, default: str | None = None) -> Direction | None:
        """Read the options of an address; None if it does not have them.

        Raises:
            UsageError: an option is wrong.
        """
        paths = PathSum.of(address, "sign_path", default)
        meanings = address.text("export_if")
        if paths is None:
            if meanings is not None:
                raise address.wrong("export_if", "it is for sign_path, so give that too")
            return None
        values = () if meanings is None else tuple(meanings.lower().split(","))
        if meanings is not None and not all(values):
            raise address.wrong("export_if", "give the values that mean export, like true or 2,3")
        return cls(paths, values)

    def is_unknown(self, document: Any) -> bool:
        """Whether the meter reports that it does not know a direction.

        Raises:
            MissingError: the document does not have it.
        """
        values = [place.value for place in self.paths.places(document)]
        return any(is_unknown(value) and value not in ("-", *self.export_if) for value in values)

    def signs(self, document: Any, count: int) -> list[float]:
        """Return the signs of `count` powers: 1 for import, -1 for export.

        Raises:
            MalformedError: the document does not give them.
        """
        signs = [self._sign(place.value) for place in self.paths.places(document)]
        if len(signs) not in (1, count):
            raise MalformedError(
                f"{self.paths.text} has {len(signs)} directions for {count} values"
            )
        return signs * count if len(signs) == 1 else signs

    def _sign(self, value: Any) -> float:
        word = str(value).strip().lower()
        if self.export_if:
            exports = word in self.export_if or (
                _NEGATIVE in self.export_if
                and isinstance(value, int | float)
                and not isinstance(value, bool)
                and value < 0
            )
            return -1.0 if exports else 1.0
        if isinstance(value, str | int) and not isinstance(value, bool):
            if word in _EXPORT:
                return -1.0
            if word in _IMPORT:
                return 1.0
        raise MalformedError(
            f"{self.paths.text} is {quoted(value)}; give export_if= with what means export"
        )
