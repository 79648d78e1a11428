"""Options of `streamer watch` about where the forecasts go."""

from __future__ import annotations

from typing import Annotated

import typer

PublishOption = Annotated[
    str | None,
    typer.Option(
        "--publish",
        metavar="URL",
        help="Publish the forecasts to an MQTT broker, for Home Assistant and others: "
        "mqtt://broker/streamer.",
        show_default=False,
    ),
]
ServeOption = Annotated[
    str | None,
    typer.Option(
        "--serve",
        metavar="HOST:PORT",
        help="Serve a live page, JSON and metrics over HTTP: 127.0.0.1:8090.",
        show_default=False,
    ),
]
