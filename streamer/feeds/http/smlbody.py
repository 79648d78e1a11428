"""SML files as web responses, from the bridge of a Tibber Pulse."""

from __future__ import annotations

from streamer.errors import MissingExtraError
from streamer.feeds.address import Address
from streamer.feeds.http.request import BodyReader, Part
from streamer.feeds.serial.further import chosen_further
from streamer.feeds.serial.sml import parse_file
from streamer.feeds.serial.smlframe import FrameBuffer
from streamer.feeds.values import (
    MalformedError,
    Quantity,
    further_quantity,
    measure_of,
    words_for,
)
from streamer.readings import CounterSample, Sample


def sml_parts(address: Address, quantity: Quantity) -> list[Part]:
    """Return the values of a response that is an SML file.

    Args:
        address: the address, which may name further channels.
        quantity: sign and scale of the power.

    Raises:
        UsageError: the meter cannot have one of the channels.
        MissingExtraError: pysml is not installed.
    """
    further = [
        further_quantity(address, name, unit=measure_of(name).unit)
        for name in chosen_further(address)
    ]
    return [Part(each, _reader(each)) for each in (quantity, *further)]


def _reader(quantity: Quantity) -> BodyReader:
    try:
        from sml import SmlBase
    except ImportError:
        raise MissingExtraError("an answer in SML", "sml") from None

    def read(body: bytes) -> Sample | CounterSample:
        file = next((item for item in FrameBuffer().push(body) if isinstance(item, bytes)), None)
        if file is None:
            raise MalformedError("the answer is not an SML file")
        name = quantity.channel
        contents = parse_file(file, SmlBase.find_frame, channels=[name] if name else ())
        value = contents.further.values.get(name) if name else contents.kw
        if contents.further.problems:
            raise MalformedError(contents.further.problems[0])
        if value is None:
            what = words_for(name) if name else "power"
            raise MalformedError(f"the meter does not send its {what}; enter its PIN")
        return quantity.item(value * quantity.scale)

    return read
