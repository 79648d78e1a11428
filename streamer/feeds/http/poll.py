"""Meters that are polled over HTTP: JSON from any address, HomeWizard and Shelly."""

from __future__ import annotations

from dataclasses import replace

from streamer.errors import UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address, Credentials
from streamer.feeds.http.options import json_request, origin, parts_of, preset_request
from streamer.feeds.http.presets import GROUPS, HOMEWIZARD_V1, HOMEWIZARD_V2, PRESETS
from streamer.feeds.http.request import PollRequest
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION, WebClient
from streamer.feeds.polling import POLL_OPTIONS, poll_interval
from streamer.feeds.session import AsyncFeed
from streamer.feeds.values import (
    LAYOUT_OPTIONS,
    POWER_OPTIONS,
    QUANTITY_OPTIONS,
    JsonLayout,
    PathSum,
    Quantity,
    channel_options,
    channel_quantity,
    chosen_channels,
)

_COMPONENTS = {
    "em": ("EM", "total_act_power"),
    "em1": ("EM1", "act_power"),
    "pm1": ("PM1", "apower"),
    "switch": ("Switch", "apower"),
}
"""Shelly's components that measure power: component in the RPC method, and field of the power."""

_GEN1 = {"em": "shelly1-3em", "em1": "shelly1-em", "pm1": "shelly1-pm", "switch": "shelly1-pm"}
"""The presets for the same components in devices of the first generation."""


def _open_json(address: Address) -> AsyncFeed:
    chosen = address.choice("preset", PRESETS)
    if chosen is not None:
        return preset_request(address, PRESETS[chosen], address.scheme).feed(poll_interval(address))
    return json_request(address).feed(poll_interval(address))


def _open_homewizard(address: Address) -> AsyncFeed:
    _reject_path(address)
    is_v2 = address.choice("api", ("1", "2"), "1") == "2"
    preset, scheme = (HOMEWIZARD_V2, "https") if is_v2 else (HOMEWIZARD_V1, "http")
    if is_v2 and address.credentials.token is None:
        raise UsageError(
            f"{address.shown}: API v2 needs a token; give it as STREAMER_TOKEN, --token-file or "
            "token in the configuration file"
        )
    return preset_request(address, preset, scheme).feed(poll_interval(address))


def _open_shelly(address: Address) -> AsyncFeed:
    _reject_path(address)
    component = address.choice("component", _COMPONENTS, "em")
    number = _number(address, "id")
    sides = [
        (channel_quantity(address, name, unit="W"), _number(address, name))
        for name in chosen_channels(address)
    ]
    if sides and component == "em":
        raise address.wrong(
            "solar", "component=em adds all phases; give component=em1, pm1 or switch"
        )
    known = address.credentials
    credentials = replace(known, user=known.user or "admin", token=None)
    if address.choice("gen", ("1", "2", "3", "4"), "2") == "1":
        preset = PRESETS[_GEN1[component]]
        if preset.id is None and "id" in address.options:
            raise address.wrong("id", "component=em adds the three phases; leave it out")
        if known.password is None:
            credentials = Credentials()
        layouts = [
            JsonLayout(each, PathSum.parse(preset.path.replace("{id}", str(place))))
            for each, place in sides
        ]
        request = preset_request(address, preset, "http", credentials, layouts)
        return request.feed(poll_interval(address))
    method, value = _COMPONENTS[component]
    quantity = Quantity("W", address.choice("sign", ("import", "export"), "import"))
    target, path = f"{method}.GetStatus?id={number}", "{value}"
    if sides:
        target, path = "Shelly.GetStatus", '["{component}:{place}"].{value}'
    layouts = [
        JsonLayout(each, PathSum.parse(path.format(component=component, place=place, value=value)))
        for each, place in ((quantity, number), *sides)
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


def _number(address: Address, option: str) -> int:
    number = address.number(option, 0, least=0, most=999)
    if number != int(number):
        raise address.wrong(option, "give a whole number")
    return int(number)


def _reject_path(address: Address) -> None:
    if address.path.strip("/"):
        raise UsageError(f"{address.shown}: a path is not allowed; write {address.scheme}://host")


def _preset_help() -> str:
    lines = [
        line
        for title, presets in GROUPS.items()
        for line in (f"– {title} –", *(f"{name}: {each.about}" for name, each in presets.items()))
    ]
    return "\n".join(["the answering device, which sets address and options:", *lines])


KIND = FeedKind(
    about="JSON from a web address, requested every few seconds, with presets for many devices",
    example="http://meter/status?id=0#path=total.power&unit=W",
    open=_open_json,
    options={
        "preset": _preset_help(),
        "id": "which of the device's inputs, feeds or channels, for the presets that have id=",
        "path": "places of the power in the JSON, like ENERGY.Power, phases[0].w, "
        "emeters[*].power or a,b,c (added); if not given, the response is a bare number",
        "time": "place of the time; if not given, the time of the response counts",
        **LAYOUT_OPTIONS,
        "auth": "how the password is sent: basic (the default) or digest",
        **QUANTITY_OPTIONS,
        **channel_options(
            "place of {} in the same JSON, written like path; yes if the preset knows it"
        ),
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
        **INSECURE_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
"""Any web address; its options are in the fragment, since the query belongs to the server."""

HOMEWIZARD = FeedKind(
    about="HomeWizard P1, kWh meter or socket, by its local API v1 or v2",
    example="homewizard://192.168.1.20",
    open=_open_homewizard,
    options={
        "api": "version of the local API: 1 (the default), or 2, which needs a token",
        "sign": POWER_OPTIONS["sign"],
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
        "insecure": "1 to trust any certificate; the meters sign theirs themselves (API v2)",
    },
    extra="http",
    modules=("aiohttp",),
)

SHELLY = FeedKind(
    about="Shelly energy meters, plugs and relays, of any generation",
    example="shelly://192.168.1.21?component=em1&id=0",
    open=_open_shelly,
    options={
        "gen": "generation of the device: 1, or 2 (the default) for 2 and newer",
        "component": "what measures: em (three phases together, the default), em1, pm1 or switch",
        "id": "number of the component; 0 if not given",
        "sign": POWER_OPTIONS["sign"],
        **channel_options(
            "number of the component that measures {}, of the same kind", unit=False, scale=False
        ),
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
