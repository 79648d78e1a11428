"""Feed URLs split into scheme, host, path, options and credentials; secrets stay hidden."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import overload
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from streamer.errors import UsageError

_WEB = ("http", "https")


class Secret:
    """A string that is hidden wherever it is printed.

    >>> Secret("swordfish"), f"{Secret('swordfish')}", Secret("swordfish").reveal()
    (Secret(…), '…', 'swordfish')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself, to be called only where it is needed."""
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
    """Login for a feed, from outside its URL or from within.

    Attributes:
        user: the user's name.
        password: the user's password.
        token: an access token, used instead of user and password.
    """

    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None


@dataclass(frozen=True)
class Address:
    """A feed's URL.

    The options are the URL's query and fragment: ``mqtt://host/topic?unit=W``. The query of
    a web address belongs to the web server, so there the fragment alone holds options:
    ``http://host/status?id=0#path=power&unit=W``.

    Attributes:
        scheme: the URL scheme, which selects the kind of feed.
        host: the host; empty if the URL has none.
        port: the port; None if the URL has none.
        path: the path with its first slash; percent-decoded, except in a web address.
        query: the query of a web address, unchanged; empty for other schemes.
        options: the options by name.
        credentials: user, password and token.

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
        """Split a URL.

        Args:
            url: the URL; ``-`` is short for ``stdin:``.
            credentials: used where the URL has none of its own.

        Raises:
            UsageError: the text is not a URL.
        """
        if url == "-":
            url = "stdin:"
        if not url.isprintable():
            raise UsageError("feed address: it contains characters that cannot be printed")
        given = Credentials() if credentials is None else credentials
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            host.encode("idna")  # as the name lookup will do
        except ValueError:
            # The error's text quotes the address, which may contain a password.
            raise UsageError(
                "feed address: its host or port cannot be read; write it like "
                "mqtt://host:1883/topic, and / # ? @ in a user or password as %2F %23 %3F %40"
            ) from None
        if not parts.scheme:
            raise UsageError(
                f"{url.rpartition('@')[2]!r} is not a feed address: the scheme is missing; write "
                "it like "
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
        """The host as written in a URL: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def shown(self) -> str:
        """The URL for display: without secrets, query and options."""
        host = self.host_in_url
        port = "" if self.port is None else f":{self.port}"
        slashes = "//" if host or self.path.startswith("/") else ""
        path = quote(self.path, safe="/:+#$ ")
        if not host:
            # If a slash was forgotten, user and password ended up in the path.
            path = re.sub(r"^(/*)[^/:]*:.*%40", r"\1…@", path)
        return f"{self.scheme}:{slashes}{host}{port}{path}"

    @overload
    def text(self, name: str) -> str | None: ...
    @overload
    def text(self, name: str, default: str) -> str: ...
    def text(self, name: str, default: str | None = None) -> str | None:
        """Return an option as text."""
        return self.options.get(name, default)

    def number(
        self,
        name: str,
        default: float,
        *,
        least: float = -math.inf,
        most: float = math.inf,
    ) -> float:
        """Return an option as a finite number.

        Raises:
            UsageError: the text is not a number, or is out of bounds.
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
        """Return an option that allows a few words only.

        Raises:
            UsageError: the option is another word.
        """
        text = self.options.get(name, default)
        if text is not None and text not in allowed:
            raise self.wrong(name, f"give {' or '.join(allowed)}")
        return text

    def need(self, name: str, why: str) -> str:
        """Return an option that has no default.

        Raises:
            UsageError: the option is missing; `why` explains why it is needed.
        """
        text = self.options.get(name)
        if not text:
            raise UsageError(f"{self.shown}: option {name} is missing: {why}")
        return text

    def wrong(self, name: str, remedy: str) -> UsageError:
        """Return the error to raise for an option with a wrong value."""
        return UsageError(f"{self.shown}: option {name}={self.options.get(name)!r}: {remedy}")

    def check_options(self, known: Collection[str]) -> None:
        """Raise UsageError for an option that is not among the known ones."""
        for name in self.options:
            if name not in known:
                # In mqtt://broker/home/#?unit=W, everything after the # is read as options.
                hint = "; write # in a topic or path as %23" if name.startswith("?") else ""
                raise UsageError(
                    f"{self.shown}: unknown option {name!r}; known options are "
                    f"{', '.join(sorted(known))}{hint}"
                )


def _options(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))
