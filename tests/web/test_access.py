"""Tests of the checks of requests that servers share."""

from __future__ import annotations

import pytest

from streamer.web.access import Access, RefusalError, names_of_machine

LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


def _access(token: str | None = None) -> Access:
    return Access(token, names_of_machine("nas", ["Meter.Example "]), "look", "open its address")


@pytest.mark.parametrize("host", ["nas", "NAS:8090", "meter.example", "x.localhost", "10.0.0.1"])
def test_names_of_this_machine_are_known(host: str) -> None:
    _access().check_host({"Host": host})


@pytest.mark.parametrize("host", ["evil.example", "nas.evil.example", "[::1", "http://nas"])
def test_others_are_refused_with_the_remedy(host: str) -> None:
    with pytest.raises(RefusalError, match="is not a name of this machine; open its address"):
        _access().check_host({"Host": host})


def test_a_link_of_another_site_is_followed_where_it_may_be_but_no_frame() -> None:
    _access().check_site({**LINK, "Sec-Fetch-Dest": "document"}, links=True)
    for headers, links in (
        ({**LINK, "Sec-Fetch-Dest": "document"}, False),
        ({**LINK, "Sec-Fetch-Dest": "iframe"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
    ):
        with pytest.raises(RefusalError, match="web pages of other sites may not look"):
            _access().check_site(headers, links=links)


def test_the_origin_of_its_own_pages_is_known() -> None:
    _access().check_site({"Origin": "http://NAS:8090", "Host": "nas:8090"})
    for headers in ({"Origin": "http://nas:8091", "Host": "nas:8090"}, {"Origin": "null"}):
        with pytest.raises(RefusalError, match="only with a token"):
            _access().check_site(headers)
        _access("swordfish").check_site(headers)
