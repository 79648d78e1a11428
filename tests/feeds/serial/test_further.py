"""Voltage, current and reactive power in telegrams and SML files of real meters."""

from __future__ import annotations

import math
import re
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.feeds.serial.further import REGISTERS, Further, read_further
from streamer.feeds.serial.output import MAX_LACKING, MeterOutput
from streamer.feeds.serial.telegram import Defaults, parse_telegram
from streamer.feeds.session import Channel
from streamer.readings import Notice, Sample
from streamer.testing import read_feed
from tests.feeds import telegrams
from tests.feeds.fakemeters import tcp_meter, until_hung_up
from tests.feeds.telegrams import SML_FILES, V5, sml_entry, sml_file, sml_list, telegram

ALL = ("voltage", "current", "reactive")


def further(text: bytes, *names: str) -> Further:
    return parse_telegram(text.strip(), Defaults(channels=names or ALL)).further


def numbers(text: bytes, codes: str) -> list[float]:
    """The values of the registers whose codes match, straight from the text."""
    return [float(each) for each in re.findall(rf"1-0:(?:{codes})\.0\(([0-9.]+)\*", text.decode())]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("V4", {"current": 8.0}),
        ("V5", {"voltage": 689.0 / 3.0, "current": 1.78}),
        ("BELGIUM", {}),
        ("SWEDEN", {}),
        ("LUXEMBOURG", {}),
        ("V2_2", {}),
    ],
)
def test_telegrams_of_real_meters(name: str, expected: dict[str, float]) -> None:
    text = getattr(telegrams, name)
    found = further(text)
    assert not found.problems
    volts = [each for each in numbers(text, "[357]2.7") if each]
    amps = numbers(text, "[357]1.7")
    drawn, fed = numbers(text, "3.7"), numbers(text, "4.7")
    wanted = {}
    if volts:
        wanted["voltage"] = sum(volts) / len(volts)
    if amps:
        wanted["current"] = sum(amps)
    if drawn or fed:
        wanted["reactive"] = sum(drawn) - sum(fed)
    assert found.values == pytest.approx(wanted)
    for channel, value in expected.items():
        assert wanted[channel] == pytest.approx(value)
    assert name != "V2_2" or found.values == {}


def test_the_phases_count_where_there_is_no_total_of_the_reactive_power() -> None:
    text = telegram("1-0:1.7.0(1.0*kW)", "1-0:23.7.0(120*var)", "1-0:44.7.0(000.050*kvar)")
    assert further(text, "reactive").values == {"reactive": 0.07}


def test_nothing_is_read_that_is_not_wanted() -> None:
    parsed = parse_telegram(V5.strip())
    assert parsed.further.values == {}
    assert further(V5, "voltage").values.keys() == {"voltage"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1-0:32.7.0(230.0*A)", "1-0:32.7.0(230.0*A) is not a voltage with its unit"),
        ("1-0:32.7.0(230.0)", "1-0:32.7.0(230.0) is not a voltage with its unit"),
        ("1-0:32.7.0(high*V)", "1-0:32.7.0(high*V) is not a voltage with its unit"),
    ],
)
def test_a_value_of_another_quantity_is_unknown_and_the_power_read(line: str, problem: str) -> None:
    parsed = parse_telegram(
        telegram("1-0:1.7.0(1.0*kW)", line).strip(), Defaults(channels=("voltage",))
    )
    assert parsed.kw == 1.0
    assert parsed.further.problems == (problem,)
    assert math.isnan(parsed.further.values["voltage"])


def test_a_value_that_the_meter_does_not_know_is_unknown() -> None:
    text = telegram("1-0:1.7.0(1.0*kW)", "1-0:32.7.0(-----*V)", "1-0:52.7.0(230.0*V)")
    found = further(text, "voltage")
    assert not found.problems
    assert math.isnan(found.values["voltage"])


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(sorted({each for codes in REGISTERS.values() for each in codes})),
        st.floats(0.0, 400.0),
    )
)
def test_phases_are_put_together(registers: dict[str, float]) -> None:
    found = read_further(ALL, lambda register, _: registers.get(register))
    volts = [registers[each] for each in REGISTERS["voltage"] if each in registers]
    connected = [each for each in volts if each]
    assert ("voltage" in found.values) == bool(volts)
    if connected:
        assert min(connected) - 1e-6 <= found.values["voltage"] <= max(connected) + 1e-6
    amps = [registers[each] for each in REGISTERS["current"] if each in registers]
    assert found.values.get("current", 0.0) == pytest.approx(sum(amps), abs=1e-6)
    assert not found.problems


@settings(max_examples=40)
@given(st.binary(max_size=24))
def test_any_value_is_read_or_reported(value: bytes) -> None:
    inside = re.sub(rb"[^ -~]|[!()/]", b"", value).decode()
    text = telegram("1-0:1.7.0(1.0*kW)", f"1-0:32.7.0({inside})")
    parsed = parse_telegram(text.strip(), Defaults(channels=("voltage",)))
    assert parsed.kw == 1.0
    if "voltage" in parsed.further.values:
        assert math.isnan(parsed.further.values["voltage"]) or not parsed.further.problems


def items_of(url: str, count: int, *texts: bytes) -> list[object]:
    """The first items of a feed over TCP, to which the texts are sent."""

    def script(connection: socket.socket) -> None:
        for text in texts:
            connection.sendall(text)
        until_hung_up(connection)

    with tcp_meter(script) as port:
        feed = open_feed(Address.parse(url.format(port)))
        items = read_feed(feed, count)
        feed.close()
    return list(items)


def test_the_feed_of_a_p1_port() -> None:
    items = items_of("dsmr://localhost:{}?channels=voltage,current&time=arrival", 3, V5)
    samples = [item for item in items if isinstance(item, Sample)]
    assert [each.channel for each in samples] == ["", "voltage", "current"]
    assert [each.kw for each in samples] == pytest.approx([0.244, 689.0 / 3.0, 1.78])


def test_the_feeds_declare_their_channels() -> None:
    for url in (
        "dsmr://h:2001?channels=voltage,reactive",
        "sml://h:2001?channels=voltage,reactive",
    ):
        feed = open_feed(Address.parse(url))
        assert list(feed.channels) == ["voltage", "reactive"]
        feed.close()


def test_a_channel_that_the_meter_does_not_send_is_reported_once() -> None:
    items: list[object] = []
    output = MeterOutput(
        Channel("meter", "meter", items.append),
        lambda: None,
        counter=False,
        without_power="",
        channels=["voltage", "reactive"],
    )
    for _ in range(3 * MAX_LACKING):
        output.take(1.0, None, further=Further({"voltage": 230.0}))
    texts = [item.text for item in items if isinstance(item, Notice)]
    assert texts == [
        "meter: the meter does not send its reactive power (1-0:3.7.0 and 1-0:4.7.0 and others); "
        "take reactive out of channels="
    ]


def test_a_problem_with_a_channel_is_reported_beside_the_power() -> None:
    items: list[object] = []
    output = MeterOutput(
        Channel("meter", "meter", items.append), lambda: None, counter=False, without_power=""
    )
    output.take(1.0, None, further=Further({"voltage": math.nan}, ("it is broken",)))
    (notice,) = [item for item in items if isinstance(item, Notice)]
    assert (notice.kind, notice.text) == (
        Notice.MALFORMED,
        "meter: it is broken; the value is unknown",
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("dsmr://h:1?channels=boiler", "the meter has no boiler; give voltage or current or reac"),
        ("sml://h:1?channels=voltage:32.7.0", "the registers are known; give voltage alone"),
    ],
)
def test_wrong_options_are_explained(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_feed(Address.parse(url))


def sml_values(file: bytes) -> tuple[float | None, Further]:
    sml = pytest.importorskip("sml")
    from streamer.feeds.serial.sml import parse_file

    contents = parse_file(file, sml.SmlBase.find_frame, 1.0, ALL)
    return contents.kw, contents.further


def test_sml_files_of_real_meters() -> None:
    found = {name: sml_values(file)[1] for name, (file, _) in SML_FILES.items()}
    assert not any(each.problems for each in found.values())
    sent = {name: each.values for name, each in found.items() if each.values}
    (values,) = sent.values()
    assert sent.keys() == {"Holley DTZ541, CRC-16/KERMIT"}
    assert values == pytest.approx({"voltage": (235.8 + 233.1 + 235.6) / 3.0, "current": 1.16})


def entry(register: int, value: int, unit: int, scaler: int = 0) -> bytes:
    return sml_entry(
        register,
        b"\x55" + value.to_bytes(4, "big", signed=True),
        unit=bytes([0x62, unit]),
        scaler=bytes([0x52, scaler & 0xFF]),
    )


VOLT, AMPERE, VAR, WATT = 0x23, 0x21, 0x1D, 0x1B


def test_an_sml_file_with_all_channels() -> None:
    file = sml_file(
        sml_list(
            entry(16, 2500, WATT, -1),
            entry(32, 2301, VOLT, -1),
            entry(52, 2311, VOLT, -1),
            entry(31, 150, AMPERE, -2),
            entry(51, 50, AMPERE, -2),
            entry(3, 120, VAR),
            entry(4, 370, VAR),
        )
    )
    kw, found = sml_values(file)
    assert kw == 0.25
    assert found.values == pytest.approx({"voltage": 230.6, "current": 2.0, "reactive": -0.25})
    assert not found.problems


def test_an_sml_value_of_another_quantity_is_unknown_and_the_power_read() -> None:
    file = sml_file(sml_list(entry(16, 250, WATT), entry(32, 230, AMPERE)))
    kw, found = sml_values(file)
    assert kw == 0.25
    assert found.problems == ("1-0:32.7.0 is not a voltage in its unit",)
    assert math.isnan(found.values["voltage"])
