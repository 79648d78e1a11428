"""Access rules for requests with readings, from the options of an address."""

from __future__ import annotations

from streamer.feeds.address import Address, Secret
from streamer.web.access import Access, names_of_machine

HOSTS_OPTION = {
    "hosts": "further names of this machine in the URL that senders use, such as that of a proxy: "
    "a.example,b.example"
}
"""The option that `senders_of` reads."""


def senders_of(address: Address, host: str, token: Secret | None) -> Access:
    """Read the options of an address.

    Args:
        address: the address.
        host: host on which the server listens.
        token: token that senders must know, if any.
    """
    return Access(
        token=None if token is None else token.reveal(),
        names=names_of_machine(host, address.text("hosts", "").split(",")),
        purpose="send readings",
        remedy="send to its IP address, or add the name to hosts= in streamer's address",
    )
