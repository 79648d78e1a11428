"""Meters that are polled over HTTP: JSON from any address, HomeWizard and Shelly."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from streamer.errors import UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address, Credentials
from streamer.feeds.http.presets import GROUPS, HOMEWIZARD_V1, HOMEWIZARD_V2, PRESETS, HttpPreset
from streamer.feeds.http.request import BodyReader, PollRequest, json_reader
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION, WebClient
from streamer.feeds.polling import POLL_OPTIONS, poll_interval
from streamer.feeds.session import AsyncFeed
from streamer.feeds.values import (
    LAYOUT_OPTIONS,
    POWER_OPTIONS,
    QUANTITY_OPTIONS,
    JsonLayout,
    JsonPath,
    PathSum,
    Quantity,
)
from streamer.feeds.values.direction import Direction

_COMPONENTS = {
    "em": ("EM", "total_act_power"),
    "em1": ("EM1", "act_power"),
    "pm1": ("PM1", "apower"),
    "switch": ("Switch", "apower"),
}
"""Shelly's components that measure power: component in the RPC method, and field of the power."""

_GEN1 = {"em": "shelly1-3em", "em1": "shelly1-em", "pm1": "shelly1-pm", "switch": "shelly1-pm"}
"""The presets for the same components in devices of the first generation."""

_ID = re.compile(r"[\w.:-]+(?: [\w.:-]+)*")


def _origin(address: Address, scheme: str, port: int | None = None) -> str:
    port = address.port or port
    return f"{scheme}://{address.host_in_url}{'' if port is None else f':{port}'}"


def _open_json(address: Address) -> AsyncFeed:
    chosen = address.choice("preset", PRESETS)
    if chosen is not None:
        return _request(address, PRESETS[chosen], address.scheme).feed(poll_interval(address))
    if "id" in address.options:
        raise address.wrong("id", "it is for preset=")
    layout = _layout(address, HttpPreset("", "", ""), Quantity.of(address), "")
    request = PollRequest(
        web=WebClient.of(address),
        url=f"{_origin(address, address.scheme)}{_target(address) or '/'}",
        read=json_reader(layout),
        quantity=layout.quantity,
        credentials=address.credentials,
        digest=_is_digest(address),
    )
    return request.feed(poll_interval(address))


def _open_homewizard(address: Address) -> AsyncFeed:
    _reject_path(address)
    is_v2 = address.choice("api", ("1", "2"), "1") == "2"
    preset, scheme = (HOMEWIZARD_V2, "https") if is_v2 else (HOMEWIZARD_V1, "http")
    if is_v2 and address.credentials.token is None:
        raise UsageError(
            f"{address.shown}: API v2 needs a token; give it as STREAMER_TOKEN, --token-file or "
            "token in the configuration file"
        )
    return _request(address, preset, scheme).feed(poll_interval(address))


def _open_shelly(address: Address) -> AsyncFeed:
    _reject_path(address)
    component = address.choice("component", _COMPONENTS, "em")
    number = address.number("id", 0, least=0, most=999)
    if number != int(number):
        raise address.wrong("id", "give a whole number")
    known = address.credentials
    credentials = replace(known, user=known.user or "admin", token=None)
    if address.choice("gen", ("1", "2", "3", "4"), "2") == "1":
        preset = PRESETS[_GEN1[component]]
        if preset.id is None and "id" in address.options:
            raise address.wrong("id", "component=em adds the three phases; leave it out")
        if known.password is None:
            credentials = Credentials()
        return _request(address, preset, "http", credentials).feed(poll_interval(address))
    method, value = _COMPONENTS[component]
    layout = JsonLayout(
        Quantity("W", address.choice("sign", ("import", "export"), "import")),
        PathSum.parse(value),
    )
    request = PollRequest(
        web=WebClient.of(address),
        url=f"{_origin(address, 'http')}/rpc/{method}.GetStatus?id={int(number)}",
        read=json_reader(layout),
        quantity=layout.quantity,
        credentials=credentials,
        digest=True,
        remedies={
            401: "this password is not accepted"
            if known.password
            else "the password of the user admin is required",
            404: f"{method} with id {int(number)} does not exist, or the device is older than "
            f"Gen2; choose component={'|'.join(_COMPONENTS)} and id, or give gen=1",
        },
    )
    return request.feed(poll_interval(address))


def _request(
    address: Address, preset: HttpPreset, scheme: str, credentials: Credentials | None = None
) -> PollRequest:
    """Return the request that a preset and the options of an address make."""
    web = WebClient.of(address)
    if preset.tls and scheme != "https":
        raise address.wrong("preset", "the device answers over https only; write https://")
    name = _id(address, preset)
    quantity = Quantity.of(address, unit=preset.unit, sign=preset.sign)
    known = credentials or address.credentials
    if preset.user and known.password is not None and known.user is None:
        known = replace(known, user=preset.user)
    read: BodyReader
    if preset.sml:
        from streamer.feeds.http.smlbody import sml_reader

        _reject_places(address)
        read = sml_reader(quantity)
    else:
        read = json_reader(_layout(address, preset, quantity, name))
    target = _target(address) or preset.target.replace("{id}", quote(name, safe=""))
    return PollRequest(
        web=web,
        url=_origin(address, scheme, preset.port) + target,
        read=read,
        quantity=quantity,
        credentials=known,
        digest=_is_digest(address),
        headers=preset.headers,
        remedies=preset.remedies,
    )


def _layout(address: Address, preset: HttpPreset, quantity: Quantity, name: str) -> JsonLayout:
    def default(text: str | None) -> str | None:
        return None if text is None else text.replace("{id}", name)

    is_own = "path" in address.options
    path = PathSum.of(address, "path", default(preset.path))
    assert path is not None  # noqa: S101 - it has a default
    return JsonLayout(
        quantity=quantity,
        path=path,
        minus=PathSum.of(address, "minus", None if is_own else default(preset.minus)),
        time=JsonPath.of(address, "time", default(preset.time)),
        direction=Direction.of(address),
        valid=None
        if is_own or preset.valid is None
        else PathSum.parse(default(preset.valid) or ""),
    )


def _id(address: Address, preset: HttpPreset) -> str:
    given = address.text("id")
    if preset.id is None:
        if given is not None:
            raise address.wrong("id", "this preset has none; leave it out")
        return ""
    name = given or preset.id
    if not name:
        address.need("id", f"it is for {preset.about}")
    if not _ID.fullmatch(name):
        raise address.wrong("id", "give a name or number")
    return name


def _target(address: Address) -> str:
    """Return path and query of an address; empty if it has only a host."""
    path = "" if address.path == "/" else address.path
    return f"{path or '/'}?{address.query}" if address.query else path


def _is_digest(address: Address) -> bool:
    return address.choice("auth", ("basic", "digest"), "basic") == "digest"


def _reject_path(address: Address) -> None:
    if address.path.strip("/"):
        raise UsageError(f"{address.shown}: a path is not allowed; write {address.scheme}://host")


def _reject_places(address: Address) -> None:
    for option in ("path", "minus", "time", "sign_path", "export_if", "unit", "decimal"):
        if option in address.options:
            raise address.wrong(option, "the answer is not JSON; leave it out")


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
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
