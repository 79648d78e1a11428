"""Checks a built site: ``python -m tests.docs.site FOLDER``. No page loads from elsewhere."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

_LOADING = {"src", "srcset", "data", "poster"}
"""Attributes whose address a browser loads by itself; for `link` it is `href` as well."""


class _Loads(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = _LOADING | {"href"} if tag == "link" else _LOADING
        rel = dict(attrs).get("rel")
        if rel not in ("canonical", "prev", "next"):
            self.found += [value for name, value in attrs if name in names and value]


def loads(html: str) -> list[str]:
    """The addresses that a page loads.

    >>> loads('<a href="https://a.example"><img src="b.svg"><link rel="stylesheet" href="c.css">')
    ['b.svg', 'c.css']
    """
    parser = _Loads()
    parser.feed(html)
    return parser.found


def check(site: Path) -> int:
    """Check the pages of a site.

    Returns:
        How many there are.

    Raises:
        SystemExit: a page or a style sheet loads something from elsewhere.
    """
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        elsewhere = [
            address
            for address in loads(page.read_text(encoding="utf-8"))
            if "//" in address.split("?")[0]
        ]
        if elsewhere:
            raise SystemExit(f"{page}: loads {elsewhere}")
    for style in site.rglob("*.css"):
        if "url(http" in style.read_text(encoding="utf-8").replace('"', "").replace("'", ""):
            raise SystemExit(f"{style}: loads something from elsewhere")
    return len(pages)


if __name__ == "__main__":
    count = check(Path(sys.argv[1]))
    if count < 15:
        raise SystemExit(f"only {count} pages in {sys.argv[1]}")
    print(f"{count} pages, none of which loads anything from elsewhere")
