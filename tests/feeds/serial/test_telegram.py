"""Powers, energies and times of P1 and D0 telegrams, also beside dsmr-parser."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamer.feeds.serial.obis import Energy
from streamer.feeds.serial.telegram import Defaults, Telegram, parse_telegram
from streamer.feeds.values import MalformedError
from tests.feeds.telegrams import (
    AUSTRIA,
    BELGIUM,
    BELGIUM_2,
    HOLLEY,
    HUNGARY,
    IRELAND,
    LITHUANIA,
    LUXEMBOURG,
    MT174,
    Q3D_304,
    SWEDEN,
    V2_2,
    V3,
    V4,
    V5,
    telegram,
)


def _parse(*lines: str, unit: str = "", sign: float | None = None) -> Telegram:
    return parse_telegram(telegram(*lines).rstrip(), Defaults(unit, sign))


@pytest.mark.parametrize(
    ("specification", "text"),
    [
        ("V2_2", V2_2),
        ("V3", V3),
        ("V4", V4),
        ("V5", V5),
        ("BELGIUM_FLUVIUS", BELGIUM),
        ("BELGIUM_FLUVIUS", BELGIUM_2),
        ("LUXEMBOURG_SMARTY", LUXEMBOURG),
        ("SWEDEN", SWEDEN),
        ("SWEDEN", LITHUANIA),
        ("V5", AUSTRIA),
        ("ISKRA_IE", IRELAND),
        ("EON_HUNGARY", HUNGARY),
        ("V5", HOLLEY),
        ("Q3D", Q3D_304),
    ],
)
def test_powers_and_times_are_those_of_dsmr_parser(specification: str, text: bytes) -> None:
    parsers = pytest.importorskip("dsmr_parser.parsers")
    specifications = pytest.importorskip("dsmr_parser.telegram_specifications")
    oracle = parsers.TelegramParser(getattr(specifications, specification)).parse(text.decode())

    def kw(name: str) -> float | None:
        found: Any = getattr(oracle, name, None)
        if found is None:
            return None
        return float(found.value) / {"W": 1000.0, "kW": 1.0}[found.unit]

    expected = kw("CURRENT_ELECTRICITY_USAGE")
    if expected is not None:
        expected -= kw("CURRENT_ELECTRICITY_DELIVERY") or 0.0
    else:
        phase = "INSTANTANEOUS_ACTIVE_POWER_L{}_{}"
        drawn = [kw(phase.format(number, "POSITIVE")) or 0.0 for number in (1, 2, 3)]
        fed = [kw(phase.format(number, "NEGATIVE")) or 0.0 for number in (1, 2, 3)]
        expected = sum(drawn) - sum(fed)
    read = parse_telegram(text.rstrip())
    assert read.kw == pytest.approx(expected, abs=1e-12)
    moment = getattr(oracle, "P1_MESSAGE_TIMESTAMP", None)
    if moment is not None and text not in (SWEDEN, IRELAND):  # with W in summer and S in winter
        assert read.at == moment.value


@pytest.mark.parametrize(
    ("lines", "kw"),
    [
        (["1-0:1.7.0*255(002124.86*W)"], 2.12486),
        (["1-0:1.7.0.255(2*kW)"], 2.0),
        (["1-0:1.7.255*255(000247.37*W)"], 0.24737),
        (["1.7.0(0.247*kW)"], 0.247),
        (["1.7(0.247*kW)", "2.7(0.100*kW)"], 0.147),
        (["0-0:1.7.0(00.5*kW)"], 0.5),
        (["1-1:1.7.0(00.5*kW)", "1-1:2.7.0(00.2*kW)"], 0.3),
        (["1-65:1.7.0(00.5*kW)"], 0.5),
        # The house's own channel counts, whatever others there are.
        (["1-1:1.7.0(00.9*kW)", "1-0:1.7.0(00.5*kW)", "1-2:1.7.0(00.8*kW)"], 0.5),
        (["1-0:1.7.0(-00.5*kW)"], -0.5),
        (["1-0:1.7.0(+00.5*kW)"], 0.5),
        (["1-0:1.7.0( 0.5 * kW )"], 0.5),
        (["1-0:1.7.0(0.0005*MW)"], 0.5),
        (["1-0:1.7.0(0.5*KW)"], 0.5),
        # Past values, peaks and other quantities are not the power.
        (["1-0:1.7.0*01(9*kW)", "1-0:1.6.0(9*kW)", "1-0:9.7.0(9*kVA)", "1-0:1.7.0(0.5*kW)"], 0.5),
        (["1-0:16.7.0(-00.5*kW)", "1-0:15.7.0(00.5*kW)"], -0.5),
        (["1-0:16.7.0(00.4*kW)", "1-0:1.7.0(00.5*kW)"], 0.4),
        (["1-0:21.7.0(00.5*kW)"], 0.5),
        (["1-0:21.7.0(00.5*kW)", "1-0:22.7.0(00.7*kW)"], -0.2),
        (["1-0:21.7.0(00.5*kW)", "1-0:41.7.0(00.1*kW)", "1-0:61.7.0(00.2*kW)"], 0.8),
        (["1-0:21.7.0(00.5*kW)", "1-0:61.7.0(00.2*kW)", "1-0:62.7.0(00.3*kW)"], 0.4),
        (["1-0:36.7.0(00.5*kW)", "1-0:56.7.0(-00.1*kW)", "1-0:76.7.0(00.2*kW)"], 0.6),
        (["1-0:15.7.0(00.000*kW)"], 0.0),
        # The meter does not know.
        (["1-0:1.7.0()"], math.nan),
        (["1-0:1.7.0(------*kW)"], math.nan),
        (["1-0:21.7.0(00.5*kW)", "1-0:41.7.0()"], math.nan),
        # Nothing that is surely the power of the house.
        (["1-0:1.8.0(00001.1*kWh)"], None),
        (["0-1:1.7.0(00.1*kW)", "6-0:1.7.0(00.1*kW)"], None),
        (["1-0:1.4.0(00.1*kW)", "1-0:1.6.0(00.1*kW)", "0-0:17.0.0(999.9*kW)"], None),
        (["1-0:31.7.0(001*A)", "1-0:32.7.0(230*V)", "1-0:3.7.0(0.1*kvar)"], None),
    ],
)
def test_the_power_of_the_house_is_found(lines: list[str], kw: float | None) -> None:
    read = _parse(*lines).kw
    assert read == (None if kw is None else pytest.approx(kw, nan_ok=True, abs=1e-12))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["1-0:1.7.0(00.1*kWh)"], "1-0:1.7.0(00.1*kWh) is not a power in a unit such as W"),
        (["1-0:1.7.0(00.1*mW)"], "1-0:1.7.0(00.1*mW) is not a power in a unit such as W"),
        (["1-0:1.7.0(00.1*kW"], "1-0:1.7.0(00.1*kW is not a power in a unit such as W"),
        (["1-0:1.7.0(00.1*kW)(1)"], "1-0:1.7.0(00.1*kW)(1) is not a power in a unit such as W"),
        (["1-0:1.7.0(00.1)"], "1-0:1.7.0(00.1) has no unit; add unit=W or unit=kW"),
        (
            [f"1-0:1.7.0({'9' * 400}*kW)"],
            f"1-0:1.7.0({'9' * 39} is not a power in a unit such as W",
        ),
        (
            ["1-0:1.7.0(00.1*kW)", "1-0:1.7.0(00.2*kW)"],
            "a telegram with two values of 1-0:1.7.0",
        ),
        (
            ["1-2:1.7.0(00.1*kW)", "1-1:1.7.0(00.2*kW)"],
            "powers of channels 1 and 2, and none of 0",
        ),
        (
            ["1-0:15.7.0(00.1*kW)"],
            "15.7.0 is a power without a direction; add sign=import for a house that never feeds "
            "in, sign=export for a meter of the feed-in alone",
        ),
        *[
            (
                [line],
                "the meter sends only its exported power (2.7.0); add sign=export for a meter of "
                "the feed-in alone",
            )
            for line in ("1-0:2.7.0(00.1*kW)", "1-0:42.7.0(00.1*kW)")
        ],
        (["1-0:1.8.0(5*l)"], "1-0:1.8.0(5*l) is not an energy in a unit such as Wh"),
    ],
)
def test_uncertain_values_are_malformed(lines: list[str], why: str) -> None:
    with pytest.raises(MalformedError) as caught:
        _parse(*lines)
    assert str(caught.value) == why


def test_options_say_what_a_telegram_leaves_open() -> None:
    assert _parse("1-0:1.7.0(000250)", unit="W").kw == 0.25
    assert _parse("1-0:1.7.0(000250*W)", unit="kW").kw == 0.25
    assert _parse("1-0:15.7.0(0.5*kW)", sign=1.0).kw == 0.5
    assert _parse("1-0:15.7.0(0.5*kW)", sign=-1.0).kw == -0.5


def test_a_meter_of_the_feed_in_alone_needs_its_sign() -> None:
    read = _parse("1-0:2.7.0(0.5*kW)", "1-0:2.8.0(7.5*kWh)", sign=-1.0)
    assert (read.kw, read.energy) == (-0.5, Energy(-7.5))
    assert _parse("1-0:22.7.0(0.5*kW)", "1-0:62.7.0(0.1*kW)", sign=-1.0).kw == -0.6


def test_a_sign_turns_the_meter_around() -> None:
    lines = ["1-0:1.7.0(0.5*kW)", "1-0:2.7.0(0.1*kW)", "1-0:1.8.0(5*kWh)", "1-0:2.8.0(1*kWh)"]
    assert _parse(*lines, sign=1.0) == _parse(*lines)
    turned = _parse(*lines, sign=-1.0)
    assert (turned.kw, turned.energy) == (-0.4, Energy(-4.0, is_net=True))


@pytest.mark.parametrize(
    ("lines", "kwh", "is_net"),
    [
        (["1-0:1.8.0(000100.500*kWh)"], 100.5, False),
        (["1-0:1.8.0(000100500*Wh)", "1-0:2.8.0(000020.250*kWh)"], 80.25, True),
        (["1-0:1.8.1(1.5*kWh)", "1-0:1.8.2(2.5*kWh)", "1-0:2.8.2(1.25*kWh)"], 2.75, True),
        (["1-0:1.8.0(4*kWh)", "1-0:1.8.1(1.5*kWh)", "1-0:1.8.2(2.5*kWh)"], 4.0, False),
        (["1.8.0(0.5*MWh)", "1.8.0*01(0.4*MWh)"], 500.0, False),
        (["1-0:2.8.0(000100.500*kWh)"], None, False),
        (["1-0:1.7.0(00.1*kW)", "1-0:1.8.0(5*l)"], None, False),
        (["1-0:1.8.0()"], math.nan, False),
    ],
)
def test_the_energy_is_import_minus_export(
    lines: list[str], kwh: float | None, is_net: bool
) -> None:
    energy = _parse(*lines).energy
    assert energy == (None if kwh is None else (pytest.approx(kwh, nan_ok=True), is_net))


@pytest.mark.parametrize(
    "time", ["0-0:1.0.0(170102192002)", "0-0:1.0.0(171302192002W)", "0-0:1.0.0()", "0-0:1.0.0(W)"]
)
def test_an_invalid_time_does_not_invalidate_the_power(time: str) -> None:
    assert _parse(time, "1-0:1.7.0(00.5*kW)") == Telegram(0.5)


@given(
    st.binary(max_size=60),
    st.sampled_from([b"/X\r\n1-0:1.7.0", b"/X\r\n\x02", b"/X\r\n1-0:15.7.0(", MT174[:60]]),
)
@example(b"", b"")
@example(b"!", b"")
def test_any_text_gives_a_telegram_or_a_malformed_error(text: bytes, start: bytes) -> None:
    with suppress(MalformedError):
        kw = parse_telegram(start + text + b"!").kw
        assert kw is None or math.isnan(kw) or abs(kw) < 1e16
