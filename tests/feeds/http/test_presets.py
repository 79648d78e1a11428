"""Presets of the HTTP feed, each with an answer of the public shape, shortened."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from streamer.errors import UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.http.poll import HOMEWIZARD, KIND, SHELLY
from streamer.feeds.http.presets import GROUPS, PRESETS
from streamer.readings import Sample
from streamer.testing import read_feed
from tests.feeds.serving import Handler, WebServer, fails, self_signed
from tests.feeds.telegrams import SML_FILES

# cloud.shelly issue 43, and the API documentation of the first generation.
SHELLY1_3EM = {
    "wifi_sta": {"connected": True, "rssi": -58},
    "relays": [{"ison": False, "is_valid": True}],
    "emeters": [
        {"power": 943.98, "pf": 0.82, "voltage": 229.9, "is_valid": True, "total": 129275.3},
        {"power": 1247.18, "pf": 0.85, "voltage": 229.24, "is_valid": True, "total": 172216.5},
        {"power": -901.96, "pf": -0.78, "voltage": 230.33, "is_valid": True, "total": 123373.6},
    ],
}
SHELLY1_EM = {"emeters": [{"power": 410.5, "is_valid": True}, {"power": -20.0, "is_valid": True}]}
SHELLY1_PLUG = {"meters": [{"power": 12.5, "overpower": 0.0, "is_valid": True, "total": 1234}]}

# Enphase: details=1 adds the lists of meters; net-consumption is the grid.
ENVOY = {
    "production": [{"type": "inverters", "wNow": 1823}, {"type": "eim", "wNow": 1800}],
    "consumption": [
        {"type": "eim", "activeCount": 1, "measurementType": "total-consumption", "wNow": 2100.5},
        {"type": "eim", "activeCount": 1, "measurementType": "net-consumption", "wNow": -300.25},
    ],
}
ENVOY_WITHOUT_CLAMPS = {
    "consumption": [{"activeCount": 0, "measurementType": "net-consumption", "wNow": 0.0}]
}

FRONIUS: dict[str, Any] = {
    "Body": {"Data": {"Site": {"P_Grid": -511.5, "P_Load": -310.2, "P_PV": 821.7}}},
    "Head": {"Status": {"Code": 0}},
}
FRONIUS_METER = {
    "Body": {"Data": {"0": {"PowerReal_P_Sum": 42.3, "Visible": 1}, "1": {"PowerReal_P_Sum": 7}}}
}

TASMOTA = {"StatusSNS": {"Time": "2026-03-01T12:00:00", "ENERGY": {"Total": 2.8, "Power": 86}}}

ANSWERS: list[tuple[str, str, Any, float]] = [
    ("ada-p1", "/json",
     {"instantaneous_power_import": "0.250", "instantaneous_power_export": "1.5"}, -1.25),
    ("dsmr-logger", "/api/v1/sm/actual",
     {"actual": [{"name": "energy_delivered_tariff1", "value": 17.2, "unit": "kWh"},
                 {"name": "power_delivered", "value": 0.35, "unit": "kW"},
                 {"name": "power_returned", "value": 0.1, "unit": "kW"}]}, 0.25),
    ("ecotracker", "/v1/json", {"power": 240, "powerAvg": 251, "energyCounterIn": 17.2}, 0.24),
    ("emoncms&id=18", "/feed/timevalue.json?id=18", {"time": 1774745940, "value": 253.5}, 0.2535),
    ("envoy", "/production.json?details=1", ENVOY, -0.30025),
    ("envoy", "/production.json?details=1", ENVOY_WITHOUT_CLAMPS, math.nan),
    ("evcc", "/api/state", {"result": {"gridPower": -512.5, "pvPower": 900}}, -0.5125),
    ("evcc", "/api/state", {"result": {"grid": {"power": 250, "energy": 3.2}}}, 0.25),
    ("evcc", "/api/state", {"grid": {"power": 250}, "homePower": 251}, 0.25),
    ("fronius", "/solar_api/v1/GetPowerFlowRealtimeData.fcgi", FRONIUS, -0.5115),
    ("fronius", "/solar_api/v1/GetPowerFlowRealtimeData.fcgi",
     {"Body": {"Data": {"Site": {"P_Grid": None}}}}, math.nan),
    ("fronius-meter", "/solar_api/v1/GetMeterRealtimeData.cgi?Scope=System", FRONIUS_METER, 0.0423),
    ("homewizard", "/api/v1/data", {"active_power_w": -543}, -0.543),
    ("homewizard-v2", "/api/measurement", {"power_w": -543, "energy_import_kwh": 3.1}, -0.543),
    ("iotawatt&id=Grid_A", "/query?select=%5BGrid_A.watts%5D&begin=s-10s&end=s&group=all",
     [[253.5]], 0.2535),
    ("mystrom", "/report", {"power": 12.5, "relay": True, "temperature": 22.1}, 0.0125),
    ("opendtu", "/api/livedata/status",
     {"total": {"Power": {"v": 412.5, "u": "W", "d": 1}}}, -0.4125),
    ("p1-dongle", "/api/v2/sm/actual",
     {"power_delivered": {"value": 0.35, "unit": "kW"},
      "power_returned": {"value": 0.6, "unit": "kW"}}, -0.25),
    ("p1-monitor", "/api/v1/smartmeter?limit=1&json=object",
     [{"CONSUMPTION_W": 0, "PRODUCTION_W": 1500, "TIMESTAMP_lOCAL": "2026-03-01 12:00:00"}], -1.5),
    ("powerwall", "/aggregates",
     {"site": {"instant_power": -123.4, "instant_reactive_power": 5}, "load": {}}, -0.1234),
    ("shelly1-3em", "/status", SHELLY1_3EM, 1.2892),
    ("shelly1-3em", "/status", {"emeters": [{"power": 0, "is_valid": False}] * 3}, math.nan),
    ("shelly1-em", "/status", SHELLY1_EM, 0.4105),
    ("shelly1-em&id=1", "/status", SHELLY1_EM, -0.02),
    ("shelly1-pm", "/status", SHELLY1_PLUG, 0.0125),
    ("smartfox", "/all", {"power_io": -250, "energy_in": 3}, -0.25),
    ("sonnen", "/api/v1/status", {"GridFeedIn_W": 250, "Production_W": 900}, -0.25),
    ("tasmota", "/cm?cmnd=Status%208", TASMOTA, 0.086),
    ("tasmota", "/cm?cmnd=Status%208", {"StatusSNS": {"ENERGY": {"Power": [52, 5, -7]}}}, 0.05),
    ("tasmota-sml", "/cm?cmnd=Status%208", {"StatusSNS": {"SML": {"Power_curr": -89}}}, -0.089),
    ("vzlogger&id=a1b2-c3", "/",
     {"data": [{"uuid": "x", "tuples": [[1, 2]]},
               {"uuid": "a1b2-c3", "tuples": [[1774745940000, 250.5]]}]}, 0.2505),
    ("youless", "/e", [{"tm": 1611929119, "net": 9194.164, "pwr": 2382, "ts0": 1608654000}], 2.382),
    ("youless-a", "/a?f=j", {"cnt": "141950,625", "pwr": 750, "lvl": 90, "con": "*"}, 0.75),
]  # fmt: skip


def answer(document: Any) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return web.Response(body=body)

    return handler


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer(answer({})) as server:
        yield server


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with WebServer(answer({}), self_signed(tmp_path_factory.mktemp("tls"))) as server:
        yield server


def first(kind: FeedKind, url: str, credentials: Credentials | None = None) -> Sample:
    feed = kind.open(Address.parse(url, credentials))
    try:
        return next(item for item in read_feed(feed, 1) if isinstance(item, Sample))
    finally:
        feed.close()


def test_each_preset_has_an_answer() -> None:
    tested = {name.partition("&")[0] for name, *_ in ANSWERS}
    assert tested == set(PRESETS) - {"tibber"}
    assert sum(map(len, GROUPS.values())) == len(PRESETS)


@pytest.mark.parametrize(("preset", "asked", "document", "kw"), ANSWERS)
def test_presets_read_the_answer_of_their_device(
    server: WebServer, tls_server: WebServer, preset: str, asked: str, document: Any, kw: float
) -> None:
    tls = PRESETS[preset.partition("&")[0]].tls
    there, scheme = (tls_server, "https") if tls else (server, "http")
    there.handler = answer(document)
    sample = first(KIND, f"{scheme}://{there.host}#preset={preset}&insecure={int(tls)}")
    assert sample.kw == pytest.approx(kw, nan_ok=True)
    assert there.asked[-1].path_qs.replace("[", "%5B").replace("]", "%5D") == asked
    named = "tuples" in json.dumps(document) or "time" in json.dumps(document)
    assert (sample.at is not None) == (named and preset.startswith(("emoncms", "vzlogger")))


@pytest.mark.parametrize("name", PRESETS)
def test_the_help_lists_each_preset(name: str) -> None:
    assert f"\n{name}: {PRESETS[name].about}" in KIND.options["preset"]


def test_an_address_and_options_override_those_of_a_preset(server: WebServer) -> None:
    server.handler = answer({"a": {"w": 2}, "StatusSNS": {}})
    url = f"http://{server.host}/other?x=1#preset=tasmota-sml&path=a.w&unit=kW&sign=export"
    assert first(KIND, url).kw == -2.0
    assert server.asked[-1].path_qs == "/other?x=1"


def test_presets_have_a_port_of_their_own() -> None:
    with pytest.raises(UsageError, match="option unit is missing"):
        KIND.open(Address.parse("http://host/"))
    KIND.open(Address.parse("http://host#preset=evcc")).close()
    assert {name for name, preset in PRESETS.items() if preset.port} == {
        "evcc", "powerwall", "vzlogger",
    }  # fmt: skip


def test_a_tibber_bridge_answers_with_an_sml_file(server: WebServer) -> None:
    file, kw = next((file, kw) for file, kw in SML_FILES.values() if kw)
    server.handler = answer(file)
    known = Credentials(password=Secret("AB12-CD34"))
    assert first(KIND, f"http://{server.host}#preset=tibber", known).kw == pytest.approx(kw)
    assert server.asked[-1].path_qs == "/data.json?node_id=1"
    assert server.asked[-1].headers["Authorization"].startswith("Basic ")
    server.handler = answer(b"not a file")
    assert math.isnan(first(KIND, f"http://{server.host}#preset=tibber", known).kw)


def test_homewizard_v2_sends_its_token_and_version(tls_server: WebServer) -> None:
    tls_server.handler = answer({"power_w": -543})
    known = Credentials(token=Secret("swordfish"))
    url = f"homewizard://{tls_server.host}?api=2"
    assert "insecure=1 accepts it anyway" in fails(HOMEWIZARD.open(Address.parse(url, known)))
    assert first(HOMEWIZARD, f"{url}&insecure=1", known).kw == -0.543
    request = tls_server.asked[-1]
    assert request.path_qs == "/api/measurement"
    assert request.headers["X-Api-Version"] == "2"
    assert request.headers["Authorization"] == "Bearer swordfish"


def test_a_homewizard_without_a_power_is_unknown(server: WebServer) -> None:
    server.handler = answer({"wifi_ssid": "x", "total_power_import_kwh": 13779.338})
    assert math.isnan(first(HOMEWIZARD, f"homewizard://{server.host}").kw)


@pytest.mark.parametrize(
    ("options", "document", "kw"),
    [
        ("gen=1", SHELLY1_3EM, 1.2892),
        ("gen=1&sign=export", SHELLY1_3EM, -1.2892),
        ("gen=1&component=em1&id=1", SHELLY1_EM, -0.02),
        ("gen=1&component=switch", SHELLY1_PLUG, 0.0125),
    ],
)
def test_shelly_devices_of_the_first_generation_are_read(
    server: WebServer, options: str, document: Any, kw: float
) -> None:
    server.handler = answer(document)
    assert first(SHELLY, f"shelly://{server.host}?{options}").kw == pytest.approx(kw)
    assert server.asked[-1].path_qs == "/status"
    assert "Authorization" not in server.asked[-1].headers


def test_a_shelly_em_with_two_channels_is_not_added_up(server: WebServer) -> None:
    server.handler = answer(SHELLY1_EM)
    assert math.isnan(first(SHELLY, f"shelly://{server.host}?gen=1").kw)
