"""Shelly energy meters, plugs and relays of any generation."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from streamer.feeds import FeedKind
from streamer.feeds.address import Address, Credentials
from streamer.feeds.http.options import origin, parts_of, preset_request, reject_path
from streamer.feeds.http.presets import PRESETS
from streamer.feeds.http.request import PollRequest
from streamer.feeds.http.web import TIMEOUT_OPTION, WebClient
from streamer.feeds.polling import POLL_OPTIONS, poll_interval
from streamer.feeds.session import AsyncFeed
from streamer.feeds.values import (
    POWER_OPTIONS,
    JsonLayout,
    PathSum,
    Quantity,
    channel_options,
    channel_quantity,
    chosen_channels,
    further_options,
    further_places,
    further_quantity,
    kind_of,
    measure_of,
    no_place,
)

_POWER: Final = "power"
_ONE_PHASE: Final = {"voltage": "voltage", "current": "current"}

_COMPONENTS: Final = {
    "em": (
        "EM",
        {
            _POWER: "total_act_power",
            "voltage": "a_voltage,b_voltage?,c_voltage?",
            "current": "total_current",
        },
    ),
    "em1": ("EM1", {_POWER: "act_power", **_ONE_PHASE}),
    "pm1": ("PM1", {_POWER: "apower", **_ONE_PHASE}),
    "switch": ("Switch", {_POWER: "apower", **_ONE_PHASE}),
}
"""Components that measure power: component in the RPC method, and fields in its status."""

_GEN1: Final = {
    "em": "shelly1-3em",
    "em1": "shelly1-em",
    "pm1": "shelly1-pm",
    "switch": "shelly1-pm",
}
"""The presets for the same components in devices of the first generation."""

_MAX_ID = 999

_Places = list[tuple[Quantity, str, int]]
"""Quantity, field or further channel, and number of the component, of each value."""


def _open(address: Address) -> AsyncFeed:
    reject_path(address)
    component = address.choice("component", _COMPONENTS, "em")
    number = _number(address, "id", address.text("id", "0"))
    sides: _Places = [
        (channel_quantity(address, name, unit="W"), _POWER, _number(address, name))
        for name in chosen_channels(address)
    ]
    if sides and component == "em":
        raise address.wrong(
            "solar", "component=em adds all phases; give component=em1, pm1 or switch"
        )
    known = address.credentials
    credentials = replace(known, user=known.user or "admin", token=None)
    if address.choice("gen", ("1", "2", "3", "4"), "2") == "1":
        return _first_generation(address, component, number, sides, credentials)
    method, fields = _COMPONENTS[component]
    sides += _further(address, component, number, fields)
    quantity = Quantity("W", address.choice("sign", ("import", "export"), "import"))
    target, path = f"{method}.GetStatus?id={number}", "{field}"
    if any(place != number for _, _, place in sides):
        target, path = "Shelly.GetStatus", '["{component}:{place}"].{field}'
    layouts = [
        JsonLayout(each, _path(fields[field], path, component, place))
        for each, field, place in ((quantity, _POWER, number), *sides)
    ]
    request = PollRequest(
        web=WebClient.of(address),
        url=f"{origin(address, 'http')}/rpc/{target}",
        parts=parts_of(*layouts),
        credentials=credentials,
        digest=True,
        remedies={
            401: "this password is not accepted"
            if known.password
            else "the password of the user admin is required",
            404: f"{method} with id {number} does not exist, or the device is older than "
            f"Gen2; choose component={'|'.join(_COMPONENTS)} and id, or give gen=1",
        },
    )
    return request.feed(poll_interval(address))


def _first_generation(
    address: Address, component: str, number: int, sides: _Places, credentials: Credentials
) -> AsyncFeed:
    preset = PRESETS[_GEN1[component]]
    if preset.id is None and "id" in address.options:
        raise address.wrong("id", "component=em adds the three phases; leave it out")
    if address.credentials.password is None:
        credentials = Credentials()
    fields = {_POWER: preset.path, **preset.channels}
    layouts = [
        JsonLayout(each, PathSum.parse(fields[field].replace("{id}", str(place))))
        for each, field, place in (*sides, *_further(address, component, number, fields))
    ]
    request = preset_request(address, preset, "http", credentials, layouts)
    return request.feed(poll_interval(address))


def _further(address: Address, component: str, number: int, fields: dict[str, str]) -> _Places:
    """Read the further channels: fields of the component, or of another one by its number."""
    known = [name for name in fields if name != _POWER]
    found: _Places = []
    for name, places in further_places(address).items():
        field = kind_of(name)
        if not places and (field == _POWER or field not in fields):
            raise no_place(address, name, known)
        if places and component == "em":
            raise address.wrong("channels", "component=em adds all phases; give em1, pm1 or switch")
        if len(places) > 1:
            raise address.wrong("channels", f"give one component for {name}")
        if field not in fields:
            raise address.wrong("channels", f"this component has no {name}")
        place = _number(address, "channels", places[0]) if places else number
        quantity = further_quantity(address, name, unit=measure_of(name).known)
        found.append((quantity, field, place))
    return found


def _path(field: str, path: str, component: str, place: int) -> PathSum:
    """Return the places of the fields of a component, of which there may be several."""
    parts = [path.format(component=component, place=place, field=each) for each in field.split(",")]
    return PathSum.parse(",".join(parts))


def _number(address: Address, option: str, text: str | None = None) -> int:
    text = address.text(option, "") if text is None else text
    if not text.isascii() or not text.isdecimal() or int(text[:5]) > _MAX_ID:
        raise address.wrong(option, f"give a whole number from 0 to {_MAX_ID}")
    return int(text)


KIND = FeedKind(
    about="Shelly energy meters, plugs and relays, of any generation",
    example="shelly://192.168.1.21?component=em1&id=0",
    open=_open,
    options={
        "gen": "generation of the device: 1, or 2 (the default) for 2 and newer",
        "component": "what measures: em (three phases together, the default), em1, pm1 or switch",
        "id": "number of the component; 0 if not given",
        "sign": POWER_OPTIONS["sign"],
        **channel_options(
            "number of the component that measures {}, of the same kind", unit=False, scale=False
        ),
        **further_options(
            "number of another component of the same kind",
            is_known="voltage, current and (first generation, em1) reactive without a place are "
            "those of the component itself",
            unit=False,
        ),
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
