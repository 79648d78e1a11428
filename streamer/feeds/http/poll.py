"""Meters that are polled over HTTP: JSON from any address, HomeWizard and Shelly."""

from __future__ import annotations

from streamer.errors import UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.feeds.http.options import json_request, preset_request, reject_path
from streamer.feeds.http.presets import GROUPS, HOMEWIZARD_V1, HOMEWIZARD_V2, PRESETS
from streamer.feeds.http.shelly import KIND as SHELLY
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION
from streamer.feeds.polling import POLL_OPTIONS, poll_interval
from streamer.feeds.session import AsyncFeed
from streamer.feeds.values import (
    LAYOUT_OPTIONS,
    POWER_OPTIONS,
    QUANTITY_OPTIONS,
    channel_options,
    further_options,
)

__all__ = ["HOMEWIZARD", "KIND", "SHELLY"]


def _open_json(address: Address) -> AsyncFeed:
    chosen = address.choice("preset", PRESETS)
    if chosen is not None:
        return preset_request(address, PRESETS[chosen], address.scheme).feed(poll_interval(address))
    return json_request(address).feed(poll_interval(address))


def _open_homewizard(address: Address) -> AsyncFeed:
    reject_path(address)
    is_v2 = address.choice("api", ("1", "2"), "1") == "2"
    preset, scheme = (HOMEWIZARD_V2, "https") if is_v2 else (HOMEWIZARD_V1, "http")
    if is_v2 and address.credentials.token is None:
        raise UsageError(
            f"{address.shown}: API v2 needs a token; give it as STREAMER_TOKEN, --token-file or "
            "token in the configuration file"
        )
    return preset_request(address, preset, scheme).feed(poll_interval(address))


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
        **further_options(
            "place in the same JSON, written like path",
            is_known="a name alone if the preset knows it",
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
        **further_options(
            "place in the JSON", is_known="voltage, current and reactive are known by their names"
        ),
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
        "insecure": "1 to trust any certificate; the meters sign theirs themselves (API v2)",
    },
    extra="http",
    modules=("aiohttp",),
)
