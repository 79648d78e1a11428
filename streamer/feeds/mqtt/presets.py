"""What well-known devices and programs send by MQTT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """What a well-known device or program sends.

    Attributes:
        about: who sends it.
        topic: where to, with ``{}`` for the device's name.
        path: where the power stands in the JSON; empty if the payload is a plain number.
        minus: where the power stands that is subtracted, if there is such.
        minus_leaf: the last part of the topic whose value is subtracted.
        unit: the unit; None where it may be either.
        time: where the time stands, if it has one with a zone.
        name: the device's name if none is given.
        partial: whether other messages, without power, come on the topic too.
        adds_up: whether a list of powers, one a phase, may stand in place of a number.
        pace: why nothing may come for long.
    """

    about: str
    topic: str
    path: str | None = None
    minus: str | None = None
    minus_leaf: str = ""
    unit: str | None = "W"
    time: str | None = None
    name: str = ""
    partial: bool = True
    adds_up: bool = False
    pace: str = ""


_TELE_PERIOD = "Tasmota sends every 300 s unless its TelePeriod says otherwise"
_ON_CHANGE = "it sends when the power changes"

PRESETS = {
    "dsmr-reader": Preset(
        "DSMR-reader, one topic a value",
        "{}/reading/electricity_currently_delivered",
        minus_leaf="electricity_currently_returned",
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
    "shelly-em": Preset(
        "Shelly Pro 3EM and 3EM Gen3, all phases (status updates over MQTT switched on)",
        "{}/status/em:0",
        path="total_act_power",
        pace=_ON_CHANGE,
    ),
    "shelly-em1": Preset(
        "Shelly EM with one phase a channel, channel 0 (status updates switched on)",
        "{}/status/em1:0",
        path="act_power",
        pace=_ON_CHANGE,
    ),
    "shelly-rpc": Preset(
        "Shelly Pro 3EM and 3EM Gen3, all phases (RPC notifications switched on)",
        "{}/events/rpc",
        path='params["em:0"].total_act_power',
        pace=_ON_CHANGE,
    ),
    "statestream": Preset(
        "Home Assistant's mqtt_statestream, a sensor's state; the unit must be given",
        "homeassistant/sensor/{}/state",
        unit=None,
        partial=False,
        pace=_ON_CHANGE,
    ),
    "tasmota-energy": Preset(
        "a Tasmota plug or meter, the sum of its channels",
        "tele/{}/SENSOR",
        path="ENERGY.Power",
        adds_up=True,
        pace=_TELE_PERIOD,
    ),
    "tasmota-sml": Preset(
        "a Tasmota reading head; path= if its script names the power otherwise",
        "tele/{}/SENSOR",
        path="SML.Power_curr",
        pace=_TELE_PERIOD,
    ),
    "zigbee2mqtt": Preset(
        "Zigbee2MQTT, a plug or a meter", "zigbee2mqtt/{}", path="power", pace=_ON_CHANGE
    ),
}
"""By the name that the option ``preset`` takes."""
