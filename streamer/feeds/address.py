"""The URL of a feed, taken apart; its secrets are kept from view."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from streamer.errors import UsageError

_WEB = ("http", "https")


class Secret:
    """A string that shows itself to nobody who does not ask.

    >>> Secret("swordfish"), f"{Secret('swordfish')}", Secret("swordfish").reveal()
    (Secret(…), '…', 'swordfish')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself, for the one place that needs it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __str__(self) -> str:
        return "…"

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True)
class Credentials:
    """What lets us in, if it does not stand in the URL.

    Attributes:
        user: a user's name.
        password: their password.
        token: a token, where that is used in place of both.
    """

    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None


@dataclass(frozen=True)
class Address:
    """A feed's URL.

    Its options are the URL's query and fragment: ``mqtt://host/topic?unit=W``. In a web
    address the query belongs to the other end, and options are in the fragment alone:
    ``http://host/status?id=0#path=power&unit=W``.

    Attributes:
        scheme: what kind of feed.
        host: the host; empty if there is none.
        port: the port, if one is given.
        path: the path, from the slash on; percent signs decoded, but not of a web address.
        query: the query of a web address, as it stands; empty in others.
        options: the options.
        credentials: what lets us in.

    >>> address = Address.parse("mqtt://me:swordfish@broker/home/power?unit=W")
    >>> address.host, address.path, address.shown
    ('broker', '/home/power', 'mqtt://broker/home/power')
    """

    scheme: str
    host: str = ""
    port: int | None = None
    path: str = ""
    query: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials = field(default_factory=Credentials)

    @classmethod
    def parse(cls, url: str, credentials: Credentials | None = None) -> Address:
        """Take a URL apart.

        Args:
            url: ``-`` stands for ``stdin:``.
            credentials: used where the URL has none.

        Raises:
            UsageError: it is not a URL.
        """
        if url == "-":
            url = "stdin:"
        if not url.isprintable():
            raise UsageError("feed address: it has characters in it that cannot be printed")
        given = Credentials() if credentials is None else credentials
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            host.encode("idna")  # as it will be, to be looked up
        except ValueError:
            # What this error says quotes the address, and perhaps a password with it.
            raise UsageError(
                "feed address: its host or port cannot be read; write it like "
                "mqtt://host:1883/topic, and / # ? @ in a user or password as %2F %23 %3F %40"
            ) from None
        if not parts.scheme:
            raise UsageError(
                f"{url.rpartition('@')[2]!r} is no feed address: it has no scheme; write it like "
                "mqtt://host/topic?unit=W (`streamer sources` lists them)"
            )
        is_web = parts.scheme in _WEB
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port,
            path=parts.path if is_web else unquote(parts.path),
            query=parts.query if is_web else "",
            options=_options(parts.fragment if is_web else f"{parts.query}&{parts.fragment}"),
            credentials=Credentials(
                user=given.user if parts.username is None else unquote(parts.username),
                password=(
                    given.password if parts.password is None else Secret(unquote(parts.password))
                ),
                token=given.token,
            ),
        )

    @property
    def host_in_url(self) -> str:
        """The host as a URL has it: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def shown(self) -> str:
        """The URL for a person: without secrets, query or options."""
        host = self.host_in_url
        port = "" if self.port is None else f":{self.port}"
        slashes = "//" if host or self.path.startswith("/") else ""
        path = quote(self.path, safe="/:+#$ ")
        if not host:
            # With a slash too few, what was to be user and password is in the path.
            path = re.sub(r"^(/*)[^/:]*:.*%40", r"\1…@", path)
        return f"{self.scheme}:{slashes}{host}{port}{path}"

    @overload
    def text(self, name: str) -> str | None: ...
    @overload
    def text(self, name: str, default: str) -> str: ...
    def text(self, name: str, default: str | None = None) -> str | None:
        """An option as it stands."""
        return self.options.get(name, default)

    def number(
        self,
        name: str,
        default: float,
        *,
        least: float = -math.inf,
        most: float = math.inf,
    ) -> float:
        """An option that is a finite number.

        Raises:
            UsageError: it is none, or out of bounds.
        """
        text = self.options.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least <= value <= most and math.isfinite(value)):
            bounds = [f"at least {least:g}"] if least > -math.inf else []
            bounds += [f"at most {most:g}"] if most < math.inf else []
            raise self.wrong(name, " ".join(["give a number", *bounds]))
        return value

    @overload
    def choice(self, name: str, allowed: Collection[str]) -> str | None: ...
    @overload
    def choice(self, name: str, allowed: Collection[str], default: str) -> str: ...
    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str | None:
        """An option that is one of a few words.

        Raises:
            UsageError: it is another.
        """
        text = self.options.get(name, default)
        if text is not None and text not in allowed:
            raise self.wrong(name, f"give {' or '.join(allowed)}")
        return text

    def need(self, name: str, why: str) -> str:
        """An option that has no default.

        Raises:
            UsageError: it is missing; the message says why it is needed.
        """
        text = self.options.get(name)
        if not text:
            raise UsageError(f"{self.shown}: option {name} is missing: {why}")
        return text

    def wrong(self, name: str, remedy: str) -> UsageError:
        """The error to raise for an option with a wrong value."""
        return UsageError(f"{self.shown}: option {name}={self.options.get(name)!r}: {remedy}")

    def check_options(self, known: Collection[str]) -> None:
        """Raise UsageError for an option that is not known."""
        for name in self.options:
            if name not in known:
                # Of mqtt://broker/home/#?unit=W all from the # on are options to us.
                hint = "; write # in a topic or path as %23" if name.startswith("?") else ""
                raise UsageError(
                    f"{self.shown}: unknown option {name!r}; it takes "
                    f"{', '.join(sorted(known))}{hint}"
                )


def _options(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def read_secret(path: str) -> Secret:
    """A secret out of a file, without the line's end.

    Raises:
        UsageError: the file cannot be read, or is empty.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise UsageError(f"secret file {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"secret file {path}: is not text") from None
    except RuntimeError:  # of expanduser
        raise UsageError(f"secret file {path}: there is no such user") from None
    if not text:
        raise UsageError(f"secret file {path} is empty")
    return Secret(text)
