"""Options of a web address: a preset, or places in a JSON document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from streamer.errors import UsageError
from streamer.feeds.address import Address, Credentials
from streamer.feeds.http.presets import HttpPreset
from streamer.feeds.http.request import Part, PollRequest, json_reader
from streamer.feeds.http.web import WebClient
from streamer.feeds.values import (
    FROM_PRESET,
    JsonLayout,
    JsonPath,
    PathSum,
    Quantity,
    channel_quantity,
    chosen_channels,
    further_path,
    further_places,
    further_quantity,
    measure_of,
    no_place,
)
from streamer.feeds.values.direction import Direction
from streamer.readings import CHANNELS

_GENERIC = HttpPreset("", "", "")

_PLACES = ("path", "minus", "time", "sign_path", "export_if", "unit", "decimal")
"""Options that only an answer in JSON has."""

_ID = re.compile(r"[\w.:-]+(?: [\w.:-]+)*")


def origin(address: Address, scheme: str, port: int | None = None) -> str:
    """Return scheme, host and port of a request; `port` is used if the address has none."""
    port = address.port or port
    return f"{scheme}://{address.host_in_url}{'' if port is None else f':{port}'}"


def json_request(address: Address) -> PollRequest:
    """Return the request that the options of an address make, without a preset.

    Raises:
        UsageError: an option is missing or wrong.
    """
    if "id" in address.options:
        raise address.wrong("id", "it is for preset=")
    layout = _layout(address, _GENERIC, Quantity.of(address), "")
    return PollRequest(
        web=WebClient.of(address),
        url=f"{origin(address, address.scheme)}{_target(address) or '/'}",
        parts=parts_of(
            layout,
            *_sides(address, _GENERIC, layout.time),
            *_further(address, _GENERIC, layout.time, ""),
        ),
        credentials=address.credentials,
        digest=_is_digest(address),
    )


def preset_request(
    address: Address,
    preset: HttpPreset,
    scheme: str,
    credentials: Credentials | None = None,
    sides: Sequence[JsonLayout] | None = None,
) -> PollRequest:
    """Return the request that a preset and the options of an address make.

    Args:
        address: the address.
        preset: the device.
        scheme: ``http`` or ``https``.
        credentials: login, if it is not that of the address.
        sides: places of the other channels; None to read them from the address.

    Raises:
        UsageError: an option is missing or wrong.
    """
    web = WebClient.of(address)
    if preset.tls and scheme != "https":
        raise address.wrong("preset", "the device answers over https only; write https://")
    name = _id(address, preset)
    quantity = Quantity.of(address, unit=preset.unit, sign=preset.sign)
    known = credentials or address.credentials
    if preset.user and known.password is not None and known.user is None:
        known = replace(known, user=preset.user)
    if preset.sml:
        from streamer.feeds.http.smlbody import sml_parts

        _reject_places(address)
        parts = sml_parts(address, quantity)
    else:
        layout = _layout(address, preset, quantity, name)
        if sides is None:
            sides = _sides(address, preset, layout.time)
            sides += _further(address, preset, layout.time, name)
        parts = parts_of(layout, *sides)
    target = _target(address) or preset.target.replace("{id}", quote(name, safe=""))
    return PollRequest(
        web=web,
        url=origin(address, scheme, preset.port) + target,
        parts=parts,
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


def parts_of(*layouts: JsonLayout) -> list[Part]:
    """Return the values at several places of one document."""
    return [Part(each.quantity, json_reader(each)) for each in layouts]


def _sides(address: Address, preset: HttpPreset, time: JsonPath | None) -> list[JsonLayout]:
    """Return the places of solar and battery power that an address gives."""
    layouts = []
    for name in chosen_channels(address):
        path, sign, unit, valid = PathSum.of(address, name), "", None, None
        if address.text(name) == FROM_PRESET:
            known = {"solar": preset.solar, "battery": preset.battery}[name]
            if known is None:
                raise address.wrong(name, "no preset knows it; give its place in the JSON")
            path, unit = PathSum.parse(known), preset.unit
            sign = preset.battery_sign if name == "battery" else ""
            if name == "solar" and preset.solar_valid is not None:
                valid = PathSum.parse(preset.solar_valid)
        assert path is not None  # noqa: S101 - the option is given
        quantity = channel_quantity(address, name, unit=unit, sign=sign)
        layouts.append(JsonLayout(quantity, path, time=time, valid=valid))
    return layouts


def _further(
    address: Address, preset: HttpPreset, time: JsonPath | None, number: str
) -> list[JsonLayout]:
    """Return the places of the further channels that an address gives."""
    layouts = []
    for name, places in further_places(address).items():
        valid = None
        if places:
            quantity, path = further_quantity(address, name), further_path(address, places)
        elif name in preset.channels:
            quantity = further_quantity(address, name, unit=measure_of(name).known)
            path = PathSum.parse(preset.channels[name].replace("{id}", number))
            if preset.valid is not None:
                valid = PathSum.parse(preset.valid.replace("{id}", number))
        else:
            raise no_place(address, name, preset.channels)
        layouts.append(JsonLayout(quantity, path, time=time, valid=valid))
    return layouts


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


def _reject_places(address: Address) -> None:
    for option in (*_PLACES, *CHANNELS):
        if option in address.options:
            raise address.wrong(option, "the answer is not JSON; leave it out")


def reject_path(address: Address) -> None:
    """Raise UsageError for an address with a path, of a device that has a single one."""
    if address.path.strip("/"):
        raise UsageError(f"{address.shown}: a path is not allowed; write {address.scheme}://host")
