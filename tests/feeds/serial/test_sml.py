"""SML files found in bytes, their power, and feeds on serial devices and TCP."""

from __future__ import annotations

import itertools
import math
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamer.errors import LinkError
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.feeds.serial.framing import (
    KERMIT,
    MAX_FRAME_BYTES,
    MAX_NOISE_BYTES,
    MalformedFrame,
)
from streamer.feeds.serial.output import MeterOutput
from streamer.feeds.serial.sml import KIND, PIN_ADVICE, Contents, SmlReader, parse_file
from streamer.feeds.serial.smlframe import FrameBuffer
from streamer.feeds.session import Channel
from streamer.feeds.values import MalformedError
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.fakemeters import (
    pty_meter,
    running_socat,
    tcp_meter,
    until_hung_up,
    wait_for,
    wait_for_cable,
    when_opened,
)
from tests.feeds.telegrams import (
    HOLLEY_DTZ541,
    ISKRA_FEEDING_IN,
    ISKRA_MT631,
    ISKRA_MT631_WITHOUT_PIN,
    SML_FILES,
    V2_2,
    sml_energy,
    sml_entry,
    sml_file,
    sml_list,
    sml_message,
)
from tests.fuzz.fuzz_sml import one_input

SmlBase = pytest.importorskip("sml").SmlBase

ESCAPE = b"\x1b" * 4
START = ESCAPE + b"\x01" * 4
NOISE = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"\x1b", ESCAPE, START, ESCAPE + b"\x1a\0\0\0", ISKRA_MT631, ISKRA_MT631[:99]]
        ),
    ),
    max_size=8,
).map(b"".join)


def _chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def _find(*pieces: bytes) -> tuple[list[bytes], list[str]]:
    buffer = FrameBuffer()
    items = [item for piece in pieces for item in buffer.push(piece)]
    assert buffer.held <= MAX_FRAME_BYTES + 8
    return (
        [item for item in items if isinstance(item, bytes)],
        [item.why for item in items if isinstance(item, MalformedFrame)],
    )


def _parse(file: bytes, sign: float | None = None) -> Contents:
    return parse_file(file, SmlBase.find_frame, sign)


def _kw(file: bytes) -> float | None:
    return _parse(file).kw


@pytest.mark.parametrize("name", SML_FILES)
def test_files_of_real_meters_are_read_whole_and_by_byte(name: str) -> None:
    file, kw = SML_FILES[name]
    for pieces in ([file], [bytes([byte]) for byte in file]):
        assert _find(*pieces) == ([file], [])
    assert _kw(file) == (None if kw is None else pytest.approx(kw, abs=1e-12))


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (ISKRA_MT631[:-20], "an incomplete SML file"),
        (ISKRA_MT631[:99] + b"\0" + ISKRA_MT631[100:], "an SML file with a wrong CRC"),
        (ISKRA_MT631[:-1] + b"\0", "an SML file with a wrong CRC"),
        (START + ESCAPE + b"\x02\0\0\0", "an SML file with an unknown escape sequence"),
        (START + b"\0" * MAX_FRAME_BYTES, f"an SML file of more than {MAX_FRAME_BYTES} bytes"),
    ],
)
def test_a_damaged_file_is_reported_and_the_next_one_read(damaged: bytes, why: str) -> None:
    files, broken = _find(damaged + ISKRA_FEEDING_IN)
    assert files == [ISKRA_FEEDING_IN]
    assert broken[0] == why


def test_text_is_named() -> None:
    why = "text of a P1 port or D0 meter; read it with dsmr: in place of sml:"
    for pieces in ([V2_2 + ISKRA_MT631], [bytes([byte]) for byte in V2_2 + ISKRA_MT631]):
        assert _find(*pieces) == ([ISKRA_MT631], [why] * 3)


def _kermit(contents: bytes) -> bytes:
    frame = sml_file(contents)[:-2]
    return frame + KERMIT.of(frame).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (_kermit(sml_list(sml_entry(16, b"\x62\x07"))), "an SML file with a wrong CRC"),
        (_kermit(b"\x76\x01"), "cannot be read"),
        (_kermit(b"\x71\x01\x01"), "cannot be read"),
        (_kermit(b"\x76\x01\x01\x7f"), "cannot be read"),
        (_kermit(b"\x76\x01\x01\x01\x01\x62\x01\x00"), "an SML file with a wrong CRC"),
    ],
)
def test_each_message_needs_the_checksum_of_the_file(file: bytes, why: str) -> None:
    assert _find(file) == ([file], [])
    with pytest.raises(MalformedError, match=why):
        _kw(file)


@settings(max_examples=60)
@given(place=st.integers(0, len(HOLLEY_DTZ541) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_of_a_file_with_the_other_crc_is_always_detected(
    place: int, byte: int
) -> None:
    files, _ = _find(HOLLEY_DTZ541[:place] + bytes([byte]) + HOLLEY_DTZ541[place + 1 :])
    assert files in ([], [HOLLEY_DTZ541])


def test_noise_is_reported_once_per_limit() -> None:
    assert _find(b"\0" * (MAX_NOISE_BYTES - 1) + ISKRA_MT631) == ([ISKRA_MT631], [])
    why = f"{MAX_NOISE_BYTES} bytes without an SML file (wrong baud rate, or not SML?)"
    assert _find(b"\x1b" * MAX_NOISE_BYTES + ISKRA_MT631) == ([ISKRA_MT631], [why])


def test_escaped_contents_are_unescaped() -> None:
    name = b"\x05" + ESCAPE
    file = sml_file(
        sml_list(b"\x77" + name + b"\x01\x01\x01\x01\x62\x01\x01", sml_entry(16, b"\x62\x07"))
    )
    assert _find(file) == ([file], [])
    assert _kw(file) == 0.007


@settings(max_examples=60)
@given(data=NOISE, cuts=st.lists(st.integers(0, 10_000), max_size=20))
def test_chunks_give_the_same_files_as_the_whole(data: bytes, cuts: list[int]) -> None:
    assert _find(*_chunks(data, cuts)) == _find(data)


@settings(max_examples=60)
@given(noise=NOISE, cuts=st.lists(st.integers(0, 10_000), max_size=20))
@example(noise=START + ESCAPE, cuts=[])
@example(noise=START + b"\x1b", cuts=[])
@example(noise=START + ESCAPE * 3 + b"\x1b", cuts=[])
@example(noise=START + b"\0" * (MAX_FRAME_BYTES - 50), cuts=[])
def test_a_good_file_is_found_after_any_bytes(noise: bytes, cuts: list[int]) -> None:
    files, _ = _find(*_chunks(noise + ISKRA_FEEDING_IN, cuts))
    assert files[-1:] == [ISKRA_FEEDING_IN]


@settings(max_examples=60)
@given(place=st.integers(0, len(ISKRA_MT631) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_always_detected(place: int, byte: int) -> None:
    files, _ = _find(ISKRA_MT631[:place] + bytes([byte]) + ISKRA_MT631[place + 1 :])
    assert files in ([], [ISKRA_MT631])


@pytest.mark.parametrize(
    ("entries", "kw"),
    [
        ([sml_entry(16, b"\x55\xff\xff\xff\x00")], -0.256),
        ([sml_entry(16, b"\x55\x00\x00\x10\x00", scaler=b"\x52\xff")], 0.4096),
        ([sml_entry(16, b"\x62\x02", scaler=b"\x52\x03")], 2.0),
        ([sml_entry(16, b"\x62\x00")], 0.0),
        # The sum counts, regardless of other entries.
        ([sml_entry(1, b"\x62\x63"), sml_entry(16, b"\x53\xff\x9c")], -0.1),
        ([sml_entry(1, b"\x62\x63")], 0.099),
        ([sml_entry(1, b"\x62\x00"), sml_entry(2, b"\x62\x32")], -0.05),
        ([sml_entry(16, b"\x01")], None),
        # Hager's eHZ361 has 1.7.1; other meters have phases, or another channel.
        ([sml_entry(1, b"\x53\xff\x9c", tariff=1)], -0.1),
        ([sml_entry(36, b"\x62\x63"), sml_entry(76, b"\x52\xff")], 0.098),
        ([sml_entry(21, b"\x62\x63"), sml_entry(22, b"\x62\x01")], 0.098),
        ([sml_entry(16, b"\x62\x63", channel=1)], 0.099),
        ([sml_entry(16, b"\x62\x63", channel=1), sml_entry(16, b"\x62\x01")], 0.001),
        # Other quantities.
        ([sml_entry(9, b"\x62\x32"), sml_entry(31, b"\x62\x32", unit=b"\x62\x21")], None),
    ],
)
def test_the_sum_takes_precedence_over_import_and_export(
    entries: list[bytes], kw: float | None
) -> None:
    assert _kw(sml_file(sml_list(*entries))) == (None if kw is None else pytest.approx(kw))


WITHOUT_DIRECTION = "15.7.0 is a power without a direction; add sign=import for a house that"


@pytest.mark.parametrize(
    ("status", "kw"),
    [
        # EMH's ED300L, importing and exporting; Iskra's MT175, exporting.
        (0x182, 0.05),
        (0x1B0, -0.05),
        (0x101A2, -0.05),
        # The newer status word, of DZG's DVS74: import, and export.
        (0x1C0104, 0.05),
        (0x1C6904, -0.05),
    ],
)
def test_the_status_word_gives_the_direction_of_the_power(status: int, kw: float) -> None:
    energy = sml_energy(1, 1000, status=status)
    assert _kw(sml_file(sml_list(energy, sml_entry(15, b"\x62\x32")))) == pytest.approx(kw)


@pytest.mark.parametrize(
    ("energies", "power", "sign", "kw"),
    [
        ([sml_energy(1, 1000)], b"\x62\x00", None, 0.0),
        ([], b"\x62\x00", None, 0.0),
        ([], b"\x62\x32", 1.0, 0.05),
        ([sml_energy(1, 1000, status=0x182)], b"\x62\x32", 1.0, 0.05),
        ([sml_energy(1, 1000, status=0x182)], b"\x62\x32", -1.0, -0.05),
        ([sml_energy(1, 1000, status=0x1B0)], b"\x62\x32", 1.0, -0.05),
        # Dr. Neuhaus' SMARTY counts the feed-in alone.
        ([sml_energy(2, 1000, status=0x10100)], b"\x62\x00", None, 0.0),
        ([sml_energy(2, 1000, status=0x10120)], b"\x62\x32", None, -0.05),
    ],
)
def test_the_direction_may_be_given_or_not_needed(
    energies: list[bytes], power: bytes, sign: float | None, kw: float
) -> None:
    file = sml_file(sml_list(*energies, sml_entry(15, power)))
    assert _parse(file, sign).kw == pytest.approx(kw)


@pytest.mark.parametrize(
    "energies",
    [
        [],
        [sml_energy(1, 1000)],
        [sml_energy(2, 1000, status=0x10100)],
        [sml_energy(1, 1000, status=0x182), sml_energy(2, 1000, status=0x1B0)],
    ],
)
def test_a_power_of_unknown_direction_is_malformed(energies: list[bytes]) -> None:
    with pytest.raises(MalformedError) as caught:
        _kw(sml_file(sml_list(*energies, sml_entry(15, b"\x62\x32"))))
    assert str(caught.value).startswith(WITHOUT_DIRECTION)


@pytest.mark.parametrize(
    ("energies", "kwh"),
    [
        ([sml_energy(1, 123_456)], 12.3456),
        ([sml_energy(1, 123_456), sml_energy(2, 23_456)], 10.0),
        ([sml_energy(1, 1000, tariff=1), sml_energy(1, 2000, tariff=2)], 0.3),
        ([sml_energy(1, 5000), sml_energy(1, 1000, tariff=1)], 0.5),
        ([sml_energy(2, 1000)], None),
    ],
)
def test_the_energy_is_import_minus_export(energies: list[bytes], kwh: float | None) -> None:
    energy = _parse(sml_file(sml_list(*energies))).energy
    assert (energy and energy.kwh) == (None if kwh is None else pytest.approx(kwh))
    assert energy is None or energy.is_net == (kwh == 10.0)


HUGE = "an SML file with a scaler that is too large"


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        (
            sml_list(sml_entry(16, b"\x62\x07", unit=b"\x62\x1e")),
            "1-0:16.7.0 is not a power in W",
        ),
        (sml_list(sml_entry(16, b"\x62\x07", unit=b"\x01")), "1-0:16.7.0 is not a power in W"),
        (sml_list(sml_entry(16, b"\x0312")), "1-0:16.7.0 is not a power in W"),
        (sml_list(sml_entry(16, b"\x62\x07", scaler=b"\x59\x7f" + b"\xff" * 7)), HUGE),
        (sml_list(sml_entry(16, b"\x62\x07", scaler=b"\x59\x80" + b"\x00" * 7)), HUGE),
        (sml_list(sml_entry(9, b"\x62\x07", scaler=b"\x62\xff")), HUGE),
        (sml_list(sml_entry(16, b"\x62\x07"))[:-3] + b"\0\0\0", "(SmlParserError)"),
        (sml_message(b"\x71" * 3000), "(RecursionError)"),
        (b"\x76\x8f", "cannot be read"),
        (b"\xff" * 5000, "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_invalid_contents_with_a_good_crc_give_the_reason(contents: bytes, why: str) -> None:
    began = time.thread_time()
    with pytest.raises(MalformedError) as caught:
        _kw(sml_file(contents))
    assert why in str(caught.value)
    assert time.thread_time() - began < 5


@given(
    st.one_of(
        st.binary(max_size=300).map(lambda contents: sml_file(contents)),
        st.builds(
            lambda value, unit, scaler: sml_file(
                sml_list(sml_entry(16, value, unit=unit, scaler=scaler))
            ),
            *[st.binary(min_size=1, max_size=12)] * 3,
        ),
    )
)
def test_any_contents_give_a_power_or_a_malformed_error(file: bytes) -> None:
    with suppress(MalformedError):
        kw = _kw(file)
        assert kw is None or math.isfinite(kw)


@given(st.builds(bytes.__add__, st.sampled_from([bytes([way]) for way in range(5)]), NOISE))
def test_the_fuzz_target_accepts_any_bytes(data: bytes) -> None:
    one_input(data)


def _items(*files: bytes, counter: bool = False) -> list[object]:
    items: list[object] = []
    output = MeterOutput(
        Channel("sml:///dev/ttyUSB0", "meter", items.append),
        lambda: None,
        counter=counter,
        without_power=PIN_ADVICE,
    )
    reader = SmlReader(output, SmlBase.find_frame)
    for file in files:
        reader.push(file)
    return items


def _notices(*files: bytes, counter: bool = False) -> list[str]:
    items = _items(*files, counter=counter)
    return [item.text for item in items if isinstance(item, Notice)]


def test_the_pin_is_asked_for_once_if_the_energy_is_in_whole_kwh() -> None:
    assert not _notices(*[ISKRA_MT631_WITHOUT_PIN] * 2, ISKRA_MT631, *[ISKRA_MT631_WITHOUT_PIN] * 2)
    for counter in (False, True):
        assert _notices(*[ISKRA_MT631_WITHOUT_PIN] * 20, counter=counter) == [
            "sml:///dev/ttyUSB0: the meter sends its energy in whole kWh, and no power; switch on "
            "its extended data set: enter the PIN from the grid operator, and set InF to on"
        ]


def test_the_energy_is_offered_if_it_is_fine_and_delivered_if_wanted() -> None:
    file = sml_file(sml_list(sml_energy(1, 123_456)))
    assert _notices(*[file] * 20) == [
        "sml:///dev/ttyUSB0: the meter sends its energy, but no power; add counter=yes to take the "
        "mean power from the energy"
    ]
    assert _items(file, counter=True) == [
        Link(Link.UP, "meter"),
        CounterSample(pytest.approx(12.3456)),
    ]


@pytest.mark.parametrize(
    ("register", "why"), [(15, WITHOUT_DIRECTION), (2, "the meter sends only its exported power")]
)
def test_no_pin_is_asked_for_if_there_is_another_power(register: int, why: str) -> None:
    texts = _notices(*[sml_file(sml_list(sml_entry(register, b"\x62\x32")))] * 9)
    assert len(texts) == 9
    assert all(why in text for text in texts)


def test_a_meter_that_stops_sending_its_power_ends_the_value() -> None:
    items = _items(ISKRA_MT631, *[ISKRA_MT631_WITHOUT_PIN] * 9)
    assert [math.isnan(kw) for kw in _samples(items)] == [False, True]


def test_malformed_files_are_counted() -> None:
    assert _notices(ISKRA_MT631[:-1] + b"\0", sml_file(b"\xff")) == [
        "sml:///dev/ttyUSB0: an SML file with a wrong CRC; skipped",
        "sml:///dev/ttyUSB0: an SML file that cannot be read (ReadError); skipped",
    ]


def _samples(items: list[object]) -> list[float]:
    return [item.kw for item in items if isinstance(item, Sample)]


def test_a_serial_device_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("serial")
    with pty_meter() as meter:
        sent = ISKRA_MT631 * 2 + ISKRA_MT631[:99] + ISKRA_FEEDING_IN
        when_opened(monkeypatch, lambda: meter.send(sent))
        feed = open_feed(Address.parse(f"sml://{meter.path}"))
        items = read_feed(feed, 3)
        assert items[0] == Link(Link.UP, "meter")
        assert _samples(items) == [0.193, 0.193, -0.015]
        assert sum(isinstance(item, Notice) for item in items) == 1
        feed.close()


def test_conforms_to_the_feed_protocol_over_tcp() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(ISKRA_MT631 + ISKRA_FEEDING_IN)
        until_hung_up(connection)

    with tcp_meter(script) as port:
        samples = check_source(KIND.open(Address.parse(f"sml://127.0.0.1:{port}")), samples=2)
    assert samples == [Sample(0.193), Sample(-0.015)]


@pytest.mark.socat
def test_a_device_of_socat_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("serial")
    device, meter = tmp_path / "ttyUSB0", tmp_path / "meter"
    with running_socat(f"pty,raw,echo=0,link={device}", f"pty,raw,echo=0,link={meter}") as log:
        wait_for_cable(log)
        broken = ISKRA_MT631[:-1] + b"\0"
        sent = ISKRA_MT631[:80] + ISKRA_MT631 * 2 + broken + ISKRA_FEEDING_IN
        when_opened(monkeypatch, lambda: wait_for(meter).write_bytes(sent))
        feed = open_feed(Address.parse(f"sml://{wait_for(device)}"))
        items = read_feed(feed, 3)
        assert _samples(items) == [0.193, 0.193, -0.015]
        assert sum(isinstance(item, Notice) for item in items) == 2
    with pytest.raises(LinkError, match="lost the device"):
        read_feed(feed, 1)
    feed.close()
