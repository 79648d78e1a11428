"""P1 telegrams found in bytes: whole, by line, by byte, and among noise."""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamer.feeds.serial.framing import MAX_FRAME_BYTES, MAX_NOISE_BYTES, MalformedFrame
from streamer.feeds.serial.obis import Energy
from streamer.feeds.serial.p1 import TelegramBuffer
from streamer.feeds.serial.telegram import Telegram
from tests.feeds.telegrams import (
    BELGIUM,
    CET,
    HOLLEY,
    ISKRA_MT631,
    MT174,
    Q3D_303,
    SWEDEN,
    TELEGRAMS,
    V2_2,
    V3,
    V4,
    V5,
    readout,
    telegram,
)
from tests.fuzz.fuzz_p1 import one_input

GOOD = Telegram(0.244, datetime(2017, 1, 2, 19, 20, 2, tzinfo=CET), Energy(4.381, is_net=True))

PIECES = st.sampled_from(
    [
        b"/",
        b"!",
        b"\r\n",
        b"/ISk5",
        b"!6EEE",
        b"\xdb\x08",
        b"1-0:1.7.0(1*kW)\r\n",
        b"\x02",
        b"\r\n\x03",
        HOLLEY[:12],
        MT174,
        V2_2,
        V5,
        V5[:500],
    ]
)
NOISE = st.lists(st.one_of(st.binary(max_size=20), PIECES), max_size=8).map(b"".join)


def _chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def _read(*pieces: bytes) -> tuple[list[Telegram], list[str]]:
    buffer = TelegramBuffer()
    items = [item for piece in pieces for item in buffer.push(piece)]
    assert buffer.held <= MAX_FRAME_BYTES + 8
    return (
        [item for item in items if isinstance(item, Telegram)],
        sorted(item.why for item in items if isinstance(item, MalformedFrame)),
    )


@pytest.mark.parametrize("name", TELEGRAMS)
def test_telegrams_of_all_versions_are_read_whole_by_line_and_by_byte(name: str) -> None:
    text, kw, at = TELEGRAMS[name]
    for pieces in ([text], text.splitlines(keepends=True), [bytes([byte]) for byte in text]):
        [read], broken = _read(*pieces)
        assert read.kw == pytest.approx(kw, abs=1e-12)
        assert read.at == at
        assert not broken


def test_a_telegram_with_a_crc_is_complete_before_the_line_end() -> None:
    assert _read(V5.rstrip()) == ([GOOD], [])


def test_a_telegram_without_a_crc_is_complete_at_the_line_end() -> None:
    buffer = TelegramBuffer()
    assert not buffer.push(V3.rstrip())
    assert [item for item in buffer.push(b"\r") if isinstance(item, Telegram)]


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        (V5[:400], "an incomplete telegram"),
        (V5.rstrip()[:-2], "a telegram with an incomplete CRC"),
        (V5.replace(b"00.244", b"00.245"), "a telegram with a wrong CRC"),
        (V5.replace(b"6EEE", b"6EEF"), "a telegram with a wrong CRC"),
        (V5.replace(b"6EEE", b""), "a telegram of DSMR 4 or later without its CRC"),
        (BELGIUM.replace(b"FCCF", b""), "a telegram of DSMR 4 or later without its CRC"),
        (
            V3[:80] + b"\xf3" + V3[80:],
            "byte f3 in a telegram (noise, or a wrong baud rate or mode?)",
        ),
        (MT174.replace(b"000.45", b"000.46"), "a telegram with a wrong block check character"),
        (MT174[:-2] + b"\r\n", "a telegram with a wrong block check character"),
        (telegram("1-0:1.7.0(00.1*kWh)"), "1-0:1.7.0(00.1*kWh) is not a power in a unit such as W"),
    ],
)
def test_a_damaged_telegram_is_reported_and_the_next_one_read(damaged: bytes, why: str) -> None:
    assert _read(damaged + V5) == ([GOOD], [why])


def test_repeated_and_interleaved_telegrams() -> None:
    assert _read(V5 + V5) == ([GOOD, GOOD], [])
    woven = b"".join(
        first + second
        for first, second in zip(
            V4.splitlines(keepends=True), V5.splitlines(keepends=True), strict=False
        )
    )
    read, broken = _read(woven, V5)
    assert read == [GOOD]
    assert "an incomplete telegram" in broken


@pytest.mark.parametrize("name", ["D545-METER", "A/B/C", "ABC5", "HLY5/x"])
@pytest.mark.parametrize("end", [b"", b"/", b"/ISk"])
def test_a_slash_in_the_name_of_a_meter_begins_no_telegram(name: str, end: bytes) -> None:
    text = telegram("1-0:1.7.0(00.5*kW)", head=f"/HLY5/{name}")
    for pieces in ([text + end], [bytes([byte]) for byte in text + end]):
        assert _read(*pieces) == ([Telegram(0.5)], [])


@pytest.mark.parametrize("start", [b"/ISk5", b"/ISk5/", b"/HLY5/D545"])
def test_a_telegram_cut_in_its_name_does_not_spoil_the_next_one(start: bytes) -> None:
    assert _read(start + V5) == ([GOOD], [])


def test_a_slash_in_a_value_is_part_of_it() -> None:
    text = telegram("0-0:96.13.0(24/05/01 a/b)", "1-0:1.7.0(00.5*kW)")
    assert _read(text) == ([Telegram(0.5)], [])


def test_line_ends_may_have_been_changed_after_the_crc() -> None:
    assert _read(V5.replace(b"\r\n", b"\n")) == ([GOOD], [])
    damaged = V5.replace(b"\r\n", b"\n").replace(b"00.244", b"00.245")
    assert _read(damaged) == ([], ["a telegram with a wrong CRC"])


def test_a_crc_may_lack_its_leading_zeros() -> None:
    texts = [telegram(f"0-0:96.13.0({n})", "1-0:1.7.0(00.5*kW)") for n in range(100)]
    padded = next(text for text in texts if text[-6:-5] == b"0")
    assert _read(padded[:-6] + padded[-5:]) == ([Telegram(0.5)], [])


def test_the_block_check_character_may_be_any_byte() -> None:
    # Whatever it is (a slash, an exclamation mark, ETX), it belongs to the end.
    fillers = [f"{chr(code)}{'a' * more}" for code in range(0x20, 0x7F) for more in (0, 1)]
    texts = [
        readout(f"0.9.9({filler})", "16.7.0(00.5*kW)") for filler in fillers if filler[0] != "!"
    ]
    assert {b"!"[0], b"/"[0], 3} <= {text[-1] for text in texts}
    assert _read(next(text for text in texts if text.endswith(b"/"))[:-1] + V5)[0][-1] == GOOD
    for text in texts:
        for pieces in ([text + V5], [bytes([byte]) for byte in text + V5]):
            assert _read(*pieces) == ([Telegram(0.5), GOOD], [])


def test_meters_with_other_protocols_are_named() -> None:
    sml = "an SML file; read it with sml: in place of dsmr:"
    assert _read(ISKRA_MT631 + V5) == ([GOOD], [sml])
    assert _read(*(bytes([byte]) for byte in ISKRA_MT631 + V5)) == ([GOOD], [sml])
    hdlc = bytes.fromhex("7ea0870102011082 93e6e7000f40000000090c07e4")
    assert _read(hdlc + V5) == ([GOOD], ["a binary telegram (DLMS); cannot be read"])


def test_a_telegram_beyond_the_maximal_length_is_dropped() -> None:
    line = b"1-0:1.8.1(00001.001*kWh)\r\n"
    endless = b"/ISk5\\2MT382\r\n" + line * (MAX_FRAME_BYTES // len(line) + 1)
    assert _read(endless + V5) == ([GOOD], [f"a telegram of more than {MAX_FRAME_BYTES} bytes"])


def test_encrypted_telegrams_are_reported_as_such() -> None:
    # Header of a frame of a Luxembourg meter: tag, system title, length, security control.
    frame = bytes.fromhex("db0853414735000000008201f33000000001") + bytes(range(0x80, 0xFF)) * 4
    reasons = ["an encrypted telegram; cannot be read"] * 2
    assert _read(frame + frame + V5) == ([GOOD], reasons)
    assert _read(*(bytes([byte]) for byte in frame + frame + V5)) == ([GOOD], reasons)


def test_noise_is_reported_once_per_limit() -> None:
    little = b"\0" * (MAX_NOISE_BYTES - len(b"\r\n") - 1)
    assert _read(little + V5 + little) == ([GOOD], [])
    why = f"{MAX_NOISE_BYTES} bytes without a telegram (wrong baud rate or mode?)"
    assert _read(b"/" * MAX_NOISE_BYTES * 2 + V5) == ([GOOD], [why, why])


@settings(max_examples=60)
@given(data=NOISE, cuts=st.lists(st.integers(0, 10_000), max_size=20))
def test_chunks_give_the_same_telegrams_as_the_whole(data: bytes, cuts: list[int]) -> None:
    assert _read(*_chunks(data, cuts)) == _read(data)


@settings(max_examples=60)
@given(NOISE)
def test_the_fuzz_target_accepts_any_bytes(data: bytes) -> None:
    one_input(data)


@settings(max_examples=60)
@given(
    noise=NOISE,
    good=st.sampled_from([V2_2, V5, SWEDEN, HOLLEY, Q3D_303, MT174]),
    cuts=st.lists(st.integers(0, 9999)),
)
@example(noise=b"/ISk5\r\n!", good=V5, cuts=[])
@example(noise=b"/ISk5\r\n!AB", good=V2_2, cuts=[])
@example(noise=b"/IS", good=V5, cuts=[])
def test_a_good_telegram_is_found_after_any_bytes(
    noise: bytes, good: bytes, cuts: list[int]
) -> None:
    read, _ = _read(*_chunks(noise + good, cuts))
    assert read[-1:] == _read(good)[0]


@settings(max_examples=60)
@given(place=st.integers(0, len(V5) - 3), byte=st.integers(0, 255))
def test_a_changed_byte_never_gives_another_value(place: int, byte: int) -> None:
    read, _ = _read(V5[:place] + bytes([byte]) + V5[place + 1 :])
    assert read in ([], [GOOD])


@given(
    drawn_w=st.integers(0, 99_999),
    fed_w=st.integers(0, 99_999),
    unit=st.sampled_from(["W", "kW"]),
    at=st.datetimes(datetime(2010, 1, 1), datetime(2060, 1, 1)),
)
def test_the_power_is_import_minus_export(
    drawn_w: int, fed_w: int, unit: str, at: datetime
) -> None:
    drawn, fed = (
        f"{watts:09d}*W" if unit == "W" else f"{watts / 1000:06.3f}*kW"
        for watts in (drawn_w, fed_w)
    )
    [read], _ = _read(
        telegram(f"0-0:1.0.0({at:%y%m%d%H%M%S}W)", f"1-0:1.7.0({drawn})", f"1-0:2.7.0({fed})")
    )
    assert read.kw == pytest.approx((drawn_w - fed_w) / 1000, abs=1e-9)
    assert read.at == at.replace(microsecond=0, tzinfo=CET)
