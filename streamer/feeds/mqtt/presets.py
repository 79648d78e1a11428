"""Presets for devices and programs that send their power by MQTT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamer.feeds import Pace

CHANGES = Pace(on_change=True, heartbeat_s=3600.0)
"""Pace of devices that send changes, and in a topic of their own that they are gone."""


@dataclass(frozen=True)
class Preset:
    """Topics and payload of a well-known device or program.

    Further topics are written relative to the folder of the first: ``../online`` is
    ``shellies/id/online`` for the topic ``shellies/id/relay/power``.

    Attributes:
        about: the sender.
        topic: its topic, with ``{}`` for the device's name.
        path: places of the power in the JSON; None if the payload is a plain number.
        minus: places of a power to subtract, if any.
        plus_topics: further topics whose values are added.
        minus_topic: another topic whose value is subtracted, if any.
        unit: the unit; None if it varies and must be given.
        time: place of the time, if it is sent with a zone.
        name: default for the device's name.
        partial: whether messages without a power arrive on the same topic.
        apart: whether a message may lack `minus` although it is not zero, if the power is zero.
        pace: how often it sends.
        heartbeat_s: seconds after which unchanged values are sent again; None for never.
        availability: topics that report whether the device is online.
        count_topic: topic of the number of topics that count, in ``value``.
        keepalive: topic to publish to at each heartbeat, with ``{}`` for the topic's second part.
        channels: places of further channels, one a phase: ``path`` in the messages of the first
            topic, or ``@topic`` for a topic of plain numbers.
        hint: why nothing may arrive for long, for messages.
    """

    about: str
    topic: str
    path: str | None = None
    minus: str | None = None
    plus_topics: tuple[str, ...] = ()
    minus_topic: str = ""
    unit: str | None = "W"
    time: str | None = None
    name: str = ""
    partial: bool = True
    apart: bool = False
    pace: Pace = Pace()  # noqa: RUF009 - immutable
    heartbeat_s: float | None = None
    availability: tuple[str, ...] = ()
    count_topic: str = ""
    keepalive: str = ""
    hint: str = ""
    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_THREE_PHASES = {
    "voltage": ("a_voltage", "b_voltage?", "c_voltage?"),
    "current": ("total_current",),
}
"""Further channels in the status of Shelly's component ``em``."""
_ONE_PHASE = {"voltage": ("voltage",), "current": ("current",)}

_TELE_HINT = "Tasmota sends every 300 s by default, see its TelePeriod"
_TELE_PERIOD = Pace(every_s=300.0, setting="TelePeriod 10")
_ON_CHANGE = "it sends when the power changes"

METERS = {
    # AmsToMqttBridge: short lists, every 2.5 s, have P alone, longer ones P and PO.
    "amsreader": Preset(
        "amsreader (AMS to MQTT bridge), payload JSON; the topic is the one set there",
        "{}",
        path="data.P|P",
        minus="data.PO|PO?",
        channels={
            "voltage": ("data.U1|U1", "data.U2|U2?", "data.U3|U3?"),
            "current": ("data.I1|I1", "data.I2|I2?", "data.I3|I3?"),
        },
        name="amsreader",
        apart=True,
        pace=Pace(every_s=10.0),
    ),
    "dsmr-reader": Preset(
        "DSMR-reader, one topic for each value",
        "{}/reading/electricity_currently_delivered",
        minus_topic="electricity_currently_returned",
        unit="kW",
        name="dsmr",
        partial=False,
    ),
    "dsmr-reader-json": Preset(
        "DSMR-reader, JSON",
        "{}/json",
        path="electricity_currently_delivered",
        minus="electricity_currently_returned",
        unit="kW",
        time="timestamp",
        name="dsmr",
        partial=False,
    ),
    "glow": Preset(
        "Hildebrand Glow, local MQTT; the name is the device's id",
        "glow/{}/SENSOR/electricitymeter",
        path="electricitymeter.power.value",
        unit="kW",
        time="electricitymeter.timestamp",
        partial=False,
        pace=Pace(every_s=10.0),
    ),
    "tasmota-sml": Preset(
        "a Tasmota reading head; give path= if its script has another name for the power",
        "tele/{}/SENSOR",
        path="SML.Power_curr",
        pace=_TELE_PERIOD,
        availability=("LWT",),
        hint=_TELE_HINT,
    ),
    "vzlogger": Preset(
        "vzlogger, plain numbers in W; the name is the channel, like chn0",
        "vzlogger/data/{}/raw",
        partial=False,
    ),
}
"""Smart meters and readers of their ports."""

CLAMPS = {
    "emonhub": Preset(
        "OpenEnergyMonitor's emonHub, power1 of a node, like emontx",
        "emon/{}/power1",
        partial=False,
        pace=Pace(every_s=10.0),
    ),
    "shelly-em": Preset(
        "Shelly Pro 3EM and 3EM Gen3, all phases (status updates over MQTT switched on)",
        "{}/status/em:0",
        path="total_act_power",
        channels=_THREE_PHASES,
        pace=CHANGES,
        availability=("../online",),
        hint=_ON_CHANGE,
    ),
    "shelly-em1": Preset(
        "Shelly EM with one phase for each channel, channel 0 (status updates switched on)",
        "{}/status/em1:0",
        path="act_power",
        channels=_ONE_PHASE,
        pace=CHANGES,
        availability=("../online",),
        hint=_ON_CHANGE,
    ),
    "shelly-rpc": Preset(
        "Shelly Pro 3EM and 3EM Gen3, all phases (RPC notifications switched on)",
        "{}/events/rpc",
        path='params["em:0"].total_act_power',
        channels={
            name: tuple(f'params["em:0"].{each}' for each in places)
            for name, places in _THREE_PHASES.items()
        },
        pace=CHANGES,
        availability=("../online",),
        hint=_ON_CHANGE,
    ),
    "shelly-switch": Preset(
        "Shelly plug or relay, Gen2 or newer, switch 0 (status updates switched on)",
        "{}/status/switch:0",
        path="apower",
        channels=_ONE_PHASE,
        pace=CHANGES,
        availability=("../online",),
        hint=_ON_CHANGE,
    ),
    "shelly1-3em": Preset(
        "Shelly 3EM of the first generation, the sum of its phases",
        "shellies/{}/emeter/0/power",
        plus_topics=("../1/power", "../2/power"),
        channels={
            name: (f"@{name}", f"@../1/{name}", f"@../2/{name}") for name in ("voltage", "current")
        },
        partial=False,
        pace=CHANGES,
        availability=("../../online",),
        hint=_ON_CHANGE,
    ),
    "shelly1-em": Preset(
        "Shelly EM of the first generation, channel 0",
        "shellies/{}/emeter/0/power",
        channels={"voltage": ("@voltage",), "reactive": ("@reactive_power",)},
        partial=False,
        pace=CHANGES,
        availability=("../../online",),
        hint=_ON_CHANGE,
    ),
    "shelly1-pm": Preset(
        "Shelly plug or relay of the first generation, channel 0",
        "shellies/{}/relay/0/power",
        partial=False,
        pace=CHANGES,
        availability=("../../online",),
        hint=_ON_CHANGE,
    ),
    "tasmota-energy": Preset(
        "a Tasmota plug or meter, the sum of its channels",
        "tele/{}/SENSOR",
        path="ENERGY.Power[*]|ENERGY.Power",
        channels={
            "voltage": ("ENERGY.Voltage[*]|ENERGY.Voltage",),
            "current": ("ENERGY.Current[*]|ENERGY.Current",),
            "reactive": ("ENERGY.ReactivePower[*]|ENERGY.ReactivePower",),
        },
        pace=_TELE_PERIOD,
        availability=("LWT",),
        hint=_TELE_HINT,
    ),
    "zigbee2mqtt": Preset(
        "Zigbee2MQTT, a plug or a meter",
        "zigbee2mqtt/{}",
        path="power",
        channels={
            name: (f"{name}|{name}_a", f"{name}_b?", f"{name}_c?")
            for name in ("voltage", "current")
        },
        pace=CHANGES,
        availability=("{topic}/availability", "bridge/state"),
        hint=_ON_CHANGE,
    ),
}
"""Plugs and clamps."""

PROGRAMS = {
    "esphome": Preset(
        "a sensor of ESPHome, with its whole topic: node/sensor/power/state; unit is required",
        "{}",
        unit=None,
        partial=False,
        availability=("../../status",),
    ),
    "evcc": Preset(
        "evcc, its grid meter",
        "{}/site/grid/power",
        name="evcc",
        partial=False,
        availability=("../../status",),
    ),
    "openwb": Preset(
        "openWB 1.9, its grid meter", "{}/evu/W", name="openWB", partial=False,
        channels={
            "voltage": ("@VPhase1", "@VPhase2", "@VPhase3"),
            "current": ("@APhase1", "@APhase2", "@APhase3"),
        },
    ),
    "statestream": Preset(
        "Home Assistant's mqtt_statestream, the state of a sensor; unit is required",
        "homeassistant/sensor/{}/state",
        unit=None,
        partial=False,
        pace=CHANGES,
        hint=_ON_CHANGE,
    ),
    # Of dbus-flashmq: only changes are sent, and everything again for each keep-alive.
    "victron": Preset(
        "Victron GX, the sum of the grid's phases; the name is the VRM portal id",
        "N/{}/system/0/Ac/Grid/L1/Power",
        path="value",
        plus_topics=("../L2/Power", "../L3/Power"),
        partial=False,
        pace=CHANGES,
        heartbeat_s=30.0,
        count_topic="../NumberOfPhases",
        keepalive="R/{}/keepalive",
        hint="is this the portal id, and is MQTT switched on in the GX device?",
    ),
}  # fmt: skip
"""Energy managers and other programs."""

GROUPS = {
    "meters and reading heads": METERS,
    "plugs and clamps": CLAMPS,
    "programs and energy managers": PROGRAMS,
}
"""The presets by kind."""

PRESETS = {name: preset for group in GROUPS.values() for name, preset in group.items()}
"""The presets by the name that the option ``preset`` takes."""
