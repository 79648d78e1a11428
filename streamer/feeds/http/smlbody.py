"""SML files as web responses, from the bridge of a Tibber Pulse."""

from __future__ import annotations

from streamer.errors import MissingExtraError
from streamer.feeds.http.request import BodyReader
from streamer.feeds.serial.sml import parse_file
from streamer.feeds.serial.smlframe import FrameBuffer
from streamer.feeds.values import MalformedError, Quantity
from streamer.readings import CounterSample, Sample


def sml_reader(quantity: Quantity) -> BodyReader:
    """Return the interpretation of a response as an SML file.

    Args:
        quantity: sign and scale of the power.

    Raises:
        MissingExtraError: pysml is not installed.
    """
    try:
        from sml import SmlBase
    except ImportError:
        raise MissingExtraError("an answer in SML", "sml") from None

    def read(body: bytes) -> Sample | CounterSample:
        file = next((item for item in FrameBuffer().push(body) if isinstance(item, bytes)), None)
        if file is None:
            raise MalformedError("the answer is not an SML file")
        kw = parse_file(file, SmlBase.find_frame).kw
        if kw is None:
            raise MalformedError("the meter does not send its power; enter its PIN")
        return quantity.item(kw * quantity.scale)

    return read
