"""Notifications by the table `[notify]`, and the command `notify`, which tries them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING

from streamer.commands.tables import Table
from streamer.display.lines import one_line
from streamer.errors import ConfigError, LinkError, UsageError
from streamer.extras import check_installed
from streamer.feeds.address import Secret
from streamer.publishing.notify.settings import (
    A_DAY,
    A_MONTH,
    SILENT_AFTER_MIN,
    SUMMARY_AT,
    NotifySettings,
)

if TYPE_CHECKING:
    from streamer.publishing import Publisher, Report

TABLE = "notify"
KEYS = (
    "urls",
    "urls_file",
    "peak",
    "anomaly",
    "silent",
    "summary",
    "a_day",
    "a_month",
    "silent_after",
)
"""Keys of the table."""

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MAX_URLS = 50


def read_notify_settings(table: Table) -> NotifySettings:
    """Read the table `[notify]`.

    Raises:
        UsageError: a setting is wrong.
    """
    table.check(KEYS)
    where = f"{table.file}: [{TABLE}]"
    addresses = {f"{where} urls, entry {i}": url for i, url in enumerate(table.texts("urls"), 1)}
    addresses.update(_in_file(table))
    if not addresses:
        raise ConfigError(f'{where} has no receiver; give urls = ["ntfy://…"], or urls_file')
    if len(addresses) > _MAX_URLS:
        raise ConfigError(
            f"{where} has {len(addresses)} receivers; at most {_MAX_URLS} are possible"
        )
    return NotifySettings(
        addresses=tuple(map(Secret, addresses.values())),
        origins=tuple(addresses),
        peak=table.flag("peak", default=True),
        anomaly=table.flag("anomaly", default=True),
        silent=table.flag("silent", default=True),
        summary=_summary(table),
        a_day=_count(table, "a_day", A_DAY, most=24),
        a_month=_count(table, "a_month", A_MONTH, most=300),
        silent_after_min=_count(table, "silent_after", SILENT_AFTER_MIN, most=1440),
    )


def notify_maker(table: Table) -> Callable[[Report], Publisher]:
    """Check the settings, and return a function that makes the publisher.

    Raises:
        UsageError: a setting is wrong.
        MissingExtraError: the library is not installed.
    """
    settings = read_notify_settings(table)
    check_installed("apprise", f"[{TABLE}]", "notify")

    def make(report: Report) -> Publisher:
        from streamer.publishing.notify.publisher import Notifier

        return Notifier(settings, report)

    return make


def check_receivers(table: Table) -> None:
    """Check the settings and all addresses, which takes the library.

    Raises:
        UsageError: a setting or an address is wrong, or the library is not installed.
    """
    from streamer.publishing.notify.receivers import open_receivers

    open_receivers(read_notify_settings(table))


def send_test(tables: Mapping[str, Table]) -> None:
    """Send a message to every receiver, and print which have taken it.

    Args:
        tables: tables of the configuration file, by name.

    Raises:
        UsageError: there are no receivers, a setting is wrong, or the library is not installed.
        LinkError: a receiver has not taken it.
    """
    from streamer.publishing.notify.receivers import open_receivers
    from streamer.recording.notifications import Notification

    if TABLE not in tables:
        raise UsageError(
            f"the configuration has no table [{TABLE}]; `streamer config` shows which file is used"
        )
    now = datetime.now()
    seconds = int(now.timestamp())
    text = f"This is a test of {now:%Y-%m-%d %H:%M}. Notifications of streamer arrive here."
    message = Notification("test", "summary", seconds, seconds, "streamer: test", text)
    failed = []
    for receiver in open_receivers(read_notify_settings(tables[TABLE])):
        reason = receiver.send(message)
        print(one_line(f"{receiver.name}: {reason or 'sent'}"))
        if reason is not None:
            failed.append(receiver.name)
    if failed:
        raise LinkError(f"not sent to {', '.join(failed)}; check address and network")


def _in_file(table: Table) -> dict[str, str]:
    """The addresses in the file that the table names, one a line, by their places."""
    path = table.text("urls_file")
    if path is None:
        return {}
    from streamer.feeds.secretfile import read_secret

    lines = enumerate(read_secret(path).reveal().splitlines(), 1)
    found = {
        f"{one_line(path)}, line {number}": line.strip()
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    }
    if not found:
        raise table.wrong("urls_file", f"{one_line(path)} has no address; give one a line")
    return found


def _summary(table: Table) -> time | None:
    value = table.values.get("summary", SUMMARY_AT)
    if value is False:
        return None
    if isinstance(value, time) and value.tzinfo is None:
        return value
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise table.wrong("summary", 'give a time, like "07:00", or false')
    return time(int(found[1]), int(found[2]))


def _count(table: Table, key: str, default: int, *, most: int) -> int:
    value = table.number(key, default, least=1, most=most)
    if value != int(value):
        raise table.wrong(key, f"give a whole number from 1 to {most}")
    return int(value)
