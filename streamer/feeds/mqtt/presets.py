"""Presets for devices and programs that send their power by MQTT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Topic and payload of a well-known device or program.

    Attributes:
        about: the sender.
        topic: its topic, with ``{}`` for the device's name.
        path: place of the power in the JSON; None if the payload is a plain number.
        minus: place of a power to subtract, if any.
        minus_leaf: last part of the topic whose value is subtracted, if any.
        unit: the unit; None if it varies and must be given.
        time: place of the time, if it is sent with a zone.
        name: default for the device's name.
        partial: whether messages without a power arrive on the same topic.
        adds_up: whether a list of powers, one for each phase, may replace the number.
        pace: why nothing may arrive for long, for messages.
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


_TELE_PERIOD = "Tasmota sends every 300 s by default, see its TelePeriod"
_ON_CHANGE = "it sends when the power changes"

PRESETS = {
    "dsmr-reader": Preset(
        "DSMR-reader, one topic for each value",
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
        "Shelly EM with one phase for each channel, channel 0 (status updates switched on)",
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
        "Home Assistant's mqtt_statestream, the state of a sensor; unit is required",
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
        "a Tasmota reading head; give path= if its script has another name for the power",
        "tele/{}/SENSOR",
        path="SML.Power_curr",
        pace=_TELE_PERIOD,
    ),
    "zigbee2mqtt": Preset(
        "Zigbee2MQTT, a plug or a meter", "zigbee2mqtt/{}", path="power", pace=_ON_CHANGE
    ),
}
"""The presets by the name that the option ``preset`` takes."""
