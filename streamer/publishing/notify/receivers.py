"""Receivers of notifications, reached by apprise."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from streamer.errors import MissingExtraError, UsageError
from streamer.feeds.address import Secret
from streamer.publishing.notify.settings import (
    ANOMALY,
    BACK,
    PEAK,
    SILENT,
    SUMMARY,
    NotifySettings,
)

if TYPE_CHECKING:
    from streamer.recording.notifications import Notification

SEND_S = 60.0
"""Seconds that one attempt takes at most; most services of apprise's wait for four."""

_DIGEST_BYTES = 4
"""Few enough that no password can be found by trying, and enough to distinguish receivers."""

_TYPES = {PEAK: "warning", ANOMALY: "warning", SILENT: "failure", BACK: "success", SUMMARY: "info"}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}(?=://)", re.IGNORECASE)
_STATUS = re.compile(r"\berror=(\d{3})\b")


class Receiver(Protocol):
    """Receives notifications."""

    @property
    def id(self) -> str:
        """Digest of its address."""

    @property
    def name(self) -> str:
        """Its name for messages, without secrets."""

    def send(self, notification: Notification) -> str | None:
        """Send a notification; waits for the receiver, some seconds at most.

        Returns:
            None if the receiver has taken it, or else the reason.
        """


def digest_of(address: str) -> str:
    """The digest by which a receiver is known in a recording.

    >>> digest_of("ntfy://topic")
    '8945cdf6'
    """
    return hashlib.blake2b(address.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def open_receivers(settings: NotifySettings) -> list[Receiver]:
    """Check the addresses and make their receivers; nothing is connected to.

    Raises:
        MissingExtraError: apprise is not installed.
        UsageError: an address is not one of apprise's; its secrets are not in the message.
    """
    try:
        import apprise
    except ImportError:
        raise MissingExtraError("[notify]", "notify") from None
    # What it logs may contain parts of addresses, and belongs in no other log.
    logging.getLogger("apprise").propagate = False
    asset = apprise.AppriseAsset(
        app_id="streamer",
        app_desc="streamer",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    found: dict[str, Receiver] = {}
    for place, (address, origin) in enumerate(
        zip(settings.addresses, settings.origins, strict=True), start=1
    ):
        scheme = scheme_of(address)
        to = apprise.Apprise(asset=asset)
        if not scheme or not to.add(address.reveal()):
            shown = f"{scheme}://…" if scheme else "it"
            raise UsageError(
                f"{origin}: {shown} is not a complete address of a service that apprise knows; "
                "its documentation lists them"
            )
        receiver = _AppriseReceiver(address, f"{scheme} (receiver {place})", to)
        found.setdefault(receiver.id, receiver)
    return list(found.values())


def scheme_of(address: Secret) -> str:
    """The scheme of an address, which is all of it that may be shown; empty without one.

    >>> scheme_of(Secret("tgram://token/chat")), scheme_of(Secret("swordfish"))
    ('tgram', '')
    """
    found = _SCHEME.match(address.reveal())
    return found[0].lower() if found else ""


class _AppriseReceiver:
    """A receiver behind one address of apprise's."""

    def __init__(self, address: Secret, name: str, to: Any) -> None:
        self.id = digest_of(address.reveal())
        self.name = name
        self._to = to

    def send(self, notification: Notification) -> str | None:
        """Send a notification; see `Receiver`."""
        try:
            with self._to.notify(
                body=notification.text,
                title=notification.title,
                notify_type=_TYPES.get(notification.kind, "info"),
                body_format="text",
                timeout=SEND_S,
            ) as result:
                return None if result else _reason(entry.message for entry in result.logs())
        except Exception as error:  # noqa: BLE001 - a plug-in of apprise's may raise anything
            # Its text may contain the address.
            return f"its plug-in fails ({type(error).__name__})"


def _reason(messages: Iterable[str]) -> str:
    """The reason of a failure, of which HTTP's status alone may be shown.

    Everything else that apprise logs may contain parts of an address.
    """
    for message in messages:
        found = _STATUS.search(message)
        if found is not None:
            return f"it answers with HTTP {found[1]}"
    return "it does not answer, or refuses"
