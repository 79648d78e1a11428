"""Presets for devices and programs that answer HTTP requests with their power.

Where the device's own documentation was not at hand, paths and fields are those that the
meter templates of evcc use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class HttpPreset:
    """Address and answer of a well-known device or program.

    Attributes:
        about: the sender.
        target: path and query to request, with ``{id}`` for the option ``id``.
        path: places of the power in the JSON, likewise.
        minus: places of a power to subtract, if any.
        time: place of the time, if it is sent with a zone or as an epoch.
        solar: places of the solar power in the JSON, in the same unit, if they are known.
        solar_valid: places of marks that are true, or above 0, where the solar power is measured.
        battery: places of the battery's power in the JSON, likewise.
        battery_sign: meaning of a positive power of the battery.
        channels: places of further channels in the JSON, in V, A and var, likewise.
        valid: places of marks that are true, or above 0, where the meter measures.
        unit: the unit of the power.
        sign: meaning of a positive power.
        id: default of the option ``id``; empty if it must be given, None if there is none.
        port: the usual port; None for that of the scheme.
        tls: whether the device answers over https only.
        sml: whether the answer is an SML file.
        user: the usual user's name.
        headers: further headers of the request.
        remedies: messages for HTTP statuses that have a special meaning here.
    """

    about: str
    target: str
    path: str
    minus: str | None = None
    time: str | None = None
    solar: str | None = None
    solar_valid: str | None = None
    battery: str | None = None
    battery_sign: str = "discharge"
    channels: Mapping[str, str] = field(default_factory=dict)
    valid: str | None = None
    unit: str = "W"
    sign: str = "import"
    id: str | None = None
    port: int | None = None
    tls: bool = False
    sml: bool = False
    user: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    remedies: Mapping[int, str] = field(default_factory=dict)


TASMOTA_MEMBERS = {"voltage": "Voltage", "current": "Current", "reactive": "ReactivePower"}
"""Members of Tasmota's ``ENERGY``, each a number or, of several channels, an array."""

_NO_SHELLY1 = {404: "the page does not exist; is it a Shelly of the first generation?"}

HOMEWIZARD_V1 = HttpPreset(
    "HomeWizard P1, kWh meter or socket, API v1",
    "/api/v1/data",
    "active_power_w",
    channels={
        "voltage": "active_voltage_l1_v|active_voltage_v,active_voltage_l2_v?,active_voltage_l3_v?",
        "current": "active_current_l1_a|active_current_a,active_current_l2_a?,active_current_l3_a?",
        "reactive": "active_reactive_power_var",
    },
    remedies={
        403: "the local API is off; switch it on in the HomeWizard app: "
        "settings, meters, this meter, local API",
        404: "API v1 is missing; try api=2, or is it not a HomeWizard meter?",
    },
)

# https://api-documentation.homewizard.com/docs/v2/
HOMEWIZARD_V2 = HttpPreset(
    "HomeWizard P1, kWh meter or socket, API v2 (https, a token, insecure=1)",
    "/api/measurement",
    "power_w",
    channels={
        "voltage": "voltage_l1_v|voltage_v,voltage_l2_v?,voltage_l3_v?",
        "current": "current_l1_a|current_a,current_l2_a?,current_l3_a?",
        "reactive": "reactive_power_var",
    },
    tls=True,
    headers={"X-Api-Version": "2"},
    remedies={
        401: "the token is missing or wrong; the meter gives one to POST /api/user while its "
        "button has been pressed",
        404: "API v2 is missing; update the firmware, or leave out api=2",
    },
)

METERS = {
    "ada-p1": HttpPreset(
        "ADA P1 meter (Hungary)",
        "/json",
        "instantaneous_power_import",
        minus="instantaneous_power_export",
        unit="kW",
    ),
    "dsmr-logger": HttpPreset(
        "DSMR-logger, API v1",
        "/api/v1/sm/actual",
        "actual[name=power_delivered].value",
        minus="actual[name=power_returned].value?",
        channels={
            name: ",".join(
                f"actual[name={name}_l{phase}].value{'?' * (phase > 1)}" for phase in (1, 2, 3)
            )
            for name in ("voltage", "current")
        },
        unit="kW",
    ),
    "ecotracker": HttpPreset("everHome EcoTracker", "/v1/json", "power"),
    "homewizard": HOMEWIZARD_V1,
    "homewizard-v2": HOMEWIZARD_V2,
    "p1-dongle": HttpPreset(
        "Smartstuff P1 dongle and DSMR-API, API v2",
        "/api/v2/sm/actual",
        "power_delivered.value",
        minus="power_returned.value?",
        channels={
            name: f"{name}_l1.value,{name}_l2.value?,{name}_l3.value?"
            for name in ("voltage", "current")
        },
        unit="kW",
    ),
    "p1-monitor": HttpPreset(
        "P1 Monitor (ztatz)",
        "/api/v1/smartmeter?limit=1&json=object",
        "[0].CONSUMPTION_W",
        minus="[0].PRODUCTION_W",
    ),
    "tibber": HttpPreset(
        "Tibber Pulse, its bridge's web server (password; id= is the node, 1 if not given)",
        "/data.json?node_id={id}",
        "",
        id="1",
        sml=True,
        user="admin",
        remedies={
            401: "the password is that of the bridge, printed on its socket",
            404: "the page does not exist; with newer firmware, add /node_data.json?node_id=1 "
            "to the address",
        },
    ),
    "vzlogger": HttpPreset(
        "vzlogger's own web server; id= is the channel's UUID",
        "/",
        "data[uuid={id}].tuples[0][1]",
        time="data[uuid={id}].tuples[0][0]",
        id="",
        port=8080,
    ),
    "youless": HttpPreset("YouLess LS120 on a P1 port", "/e", "[0].pwr"),
    "youless-a": HttpPreset("YouLess LS110, or LS120 without a P1 port", "/a?f=j", "pwr"),
}
"""Smart meters and readers of their ports."""

CLAMPS = {
    "emoncms": HttpPreset(
        "a feed of emoncms (the token is the API key; id= is the feed)",
        "/feed/timevalue.json?id={id}",
        "value",
        time="time",
        id="",
    ),
    "iotawatt": HttpPreset(
        "IoTaWatt, the mean of 10 s; id= is the input or output",
        "/query?select=%5B{id}.watts%5D&begin=s-10s&end=s&group=all",
        "[0][0]",
        id="",
    ),
    "mystrom": HttpPreset("myStrom switch", "/report", "power"),
    "shelly1-3em": HttpPreset(
        "Shelly 3EM of the first generation, the sum of its phases",
        "/status",
        "emeters[0].power,emeters[1].power,emeters[2].power",
        valid="emeters[*].is_valid",
        channels={"voltage": "emeters[*].voltage", "current": "emeters[*].current"},
        remedies=_NO_SHELLY1,
    ),
    "shelly1-em": HttpPreset(
        "Shelly EM of the first generation, one channel (id=, 0 if not given)",
        "/status",
        "emeters[{id}].power",
        valid="emeters[{id}].is_valid",
        channels={"voltage": "emeters[{id}].voltage", "reactive": "emeters[{id}].reactive"},
        id="0",
        remedies=_NO_SHELLY1,
    ),
    "shelly1-pm": HttpPreset(
        "Shelly plug or relay of the first generation (id=, 0 if not given)",
        "/status",
        "meters[{id}].power",
        valid="meters[{id}].is_valid",
        id="0",
        remedies=_NO_SHELLY1,
    ),
    "tasmota": HttpPreset(
        "a Tasmota plug or meter, the sum of its channels",
        "/cm?cmnd=Status%208",
        "StatusSNS.ENERGY.Power[*]|StatusSNS.ENERGY.Power",
        channels={
            name: f"StatusSNS.ENERGY.{member}[*]|StatusSNS.ENERGY.{member}"
            for name, member in TASMOTA_MEMBERS.items()
        },
    ),
    "tasmota-sml": HttpPreset(
        "a Tasmota reading head; give path= if its script has another name for the power",
        "/cm?cmnd=Status%208",
        "StatusSNS.SML.Power_curr",
    ),
}
"""Plugs, clamps and their servers."""

INVERTERS = {
    "envoy": HttpPreset(
        "Enphase Envoy with consumption clamps (https, a token, insecure=1)",
        "/production.json?details=1",
        "consumption[measurementType=net-consumption].wNow",
        solar="production[measurementType=production].wNow",
        solar_valid="production[measurementType=production].activeCount?",
        valid="consumption[measurementType=net-consumption].activeCount?",
        tls=True,
        remedies={401: "the token is missing or wrong; make one at entrez.enphaseenergy.com"},
    ),
    "evcc": HttpPreset(
        "evcc, its grid meter",
        "/api/state",
        "result.grid.power|grid.power|result.gridPower|gridPower",
        solar="result.pvPower|pvPower",
        battery="result.battery.power|battery.power|result.batteryPower|batteryPower",
        port=7070,
    ),
    "fronius": HttpPreset(
        "Fronius inverter with a meter at the grid",
        "/solar_api/v1/GetPowerFlowRealtimeData.fcgi",
        "Body.Data.Site.P_Grid",
        solar="Body.Data.Site.P_PV",
        battery="Body.Data.Site.P_Akku",
    ),
    "fronius-meter": HttpPreset(
        "Fronius Smart Meter by itself; id= is its number, 0 if not given",
        "/solar_api/v1/GetMeterRealtimeData.cgi?Scope=System",
        'Body.Data["{id}"].PowerReal_P_Sum',
        channels={
            "voltage": ",".join(
                f'Body.Data["{{id}}"].Voltage_AC_Phase_{phase}{"?" * (phase > 1)}'
                for phase in (1, 2, 3)
            ),
            "current": 'Body.Data["{id}"].Current_AC_Sum',
            "reactive": 'Body.Data["{id}"].PowerReactive_Q_Sum',
        },
        id="0",
    ),
    "opendtu": HttpPreset(
        "OpenDTU, the production of all inverters",
        "/api/livedata/status",
        "total.Power.v",
        sign="export",
    ),
    "powerwall": HttpPreset(
        "Tesla Powerwall by the proxy of pypowerwall", "/aggregates", "site.instant_power",
        solar="solar.instant_power", battery="battery.instant_power", port=8675,
    ),
    "smartfox": HttpPreset("Smartfox, its grid meter", "/all", "power_io"),
    "sonnen": HttpPreset(
        "sonnenBatterie, its grid meter", "/api/v1/status", "GridFeedIn_W", sign="export",
        solar="Production_W", battery="Pac_total_W",
    ),
}  # fmt: skip
"""Inverters, batteries and energy managers."""

GROUPS = {
    "meters and reading heads": METERS,
    "plugs and clamps": CLAMPS,
    "inverters, batteries, energy managers": INVERTERS,
}
"""The presets by kind."""

PRESETS = {name: preset for group in GROUPS.values() for name, preset in group.items()}
"""The presets by the name that the option ``preset`` takes."""
