"""Publication over MQTT by the option `--publish` and the table `[publish]`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from streamer.commands.tables import Table
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
    in_table, password = table.text("url"), table.secret("password")
    given = _from_variable() or password
    if url is not None:
        settings = read_settings(url, given, where="--publish")
    elif in_table is not None:
        settings = read_settings(in_table, given, where=f"{table.file}: [publish] url")
        if password is not None and settings.broker.credentials.password is not given:
            raise table.wrong("url", "it has a password, and there is one beside it; leave one out")
    else:
        raise table.wrong("url", "it is missing; write it like mqtt://broker/streamer")
    check_installed("aiomqtt", "--publish", "mqtt")

    def make(report: Report) -> Publisher:
        from streamer.publishing.mqtt.publisher import MqttPublisher

        return MqttPublisher(settings, report)

    return make


def _from_variable() -> Secret | None:
    text = os.environ.get(VARIABLE)
    return Secret(text) if text else None
