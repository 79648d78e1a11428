"""Publication over MQTT by the option `--publish` and the table `[publish]`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamer.commands.tables import Table
from streamer.errors import ConfigError
from streamer.extras import check_installed
from streamer.feeds.address import Secret

if TYPE_CHECKING:
    from streamer.publishing import Publisher, Report

VARIABLE = "STREAMER_PUBLISH_PASSWORD"
"""Variable with the password; it takes precedence over the table."""

KEYS = ("url", "password", "password_file")
"""Keys of the table."""


def mqtt_maker(url: str | None, table: Table) -> Callable[[Report], Publisher]:
    """Check the settings, and return a function that makes the publisher.

    Args:
        url: the address of the option; None for that of the table.
        table: the table `[publish]`; a password in it is used for both.

    Raises:
        UsageError: a setting is wrong.
        MissingExtraError: the library is not installed.
    """
    from streamer.publishing.mqtt.settings import read_settings

    table.check(KEYS)
    in_table = table.text("url")
    password = table.secret("password")
    if os.environ.get(VARIABLE):
        password = Secret(os.environ[VARIABLE])
    where = "--publish" if url is not None else f"{table.file}: [publish] url"
    chosen = url if url is not None else in_table
    if chosen is None:
        raise ConfigError(f"{table.file}: [publish] has no url: mqtt://broker/streamer")
    settings = read_settings(chosen, password, where=where)
    check_installed("aiomqtt", "--publish", "mqtt")

    def make(report: Report) -> Publisher:
        from streamer.publishing.mqtt.publisher import MqttPublisher

        return MqttPublisher(settings, report)

    return make
