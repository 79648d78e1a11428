"""Words of the package's own language, counted in its docstrings and comments.

``python -m tests.prose`` prints the table; ``python -m tests.prose streamer/feeds`` the places,
for one folder.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "streamer"

# Occurrences in 10,000 words: at most twice what the most talkative of httpx, structlog,
# bytewax, textual and darts has.
LIMITS = {
    "say, says, said, saying": (r"say|says|said|saying", 2.2),
    "is no, is none": (r"(?:is|are|was|were) (?:no|none)", 12.2),
    "stand, stands": (r"stand|stands|stood", 0.4),
    "tell, tells, told": (r"tell|tells|told|telling", 2.2),
    "whoever, whatever": (r"whoever|whatever|whichever", 7.0),
    "is to + verb": (r"(?:is|are|was|were) to [a-z]+", 0.6),
    "is there": (r"(?:is|are|was|were) there", 0.4),
    "goes on": (r"go on|goes on|going on|went on|gone on", 0.2),
}
QUESTION = re.compile(r"(?:What|How|Whether|Where|Who|Which|When|Why)\b")


def passages(path: Path) -> Iterator[tuple[int, str]]:
    """Docstrings and comments of a module, each with its first line."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                yield node.lineno, text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# type:")):
            yield token.start[0], token.string.lstrip("# ")


def modules(folder: Path = PACKAGE) -> list[Path]:
    """All modules below a folder, or the one module that it is."""
    return [folder] if folder.is_file() else sorted(folder.rglob("*.py"))


@cache
def rates(folder: Path = PACKAGE) -> tuple[int, dict[str, float]]:
    """Number of words, and occurrences in 10,000 words of each kind in `LIMITS`."""
    text = "\n".join(text for path in modules(folder) for _, text in passages(path))
    words = len(re.findall(r"[A-Za-z][A-Za-z'-]*", text))
    found = {
        name: 1e4 * len(re.findall(rf"\b(?:{pattern})\b", text, re.IGNORECASE)) / words
        for name, (pattern, _) in LIMITS.items()
    }
    return words, found


def questions(folder: Path = PACKAGE) -> list[Path]:
    """Modules whose docstring begins as a question does, or that have none."""
    docs = {path: ast.get_docstring(ast.parse(path.read_text())) for path in modules(folder)}
    return [path for path, doc in docs.items() if not doc or QUESTION.match(doc)]


def _main(folder: Path) -> None:
    words, found = rates(folder)
    print(f"{words:,} words of docstrings and comments; in 10,000 (limit):")
    for name, rate in found.items():
        print(f"  {name:26s} {rate:6.1f} ({LIMITS[name][1]})")
    asking = questions(folder)
    print(f"  module docstrings that ask {len(asking):4d} of {len(modules(folder))}")
    if folder == PACKAGE:
        return
    for path in asking:
        print(f"{path}:1: the docstring asks, or is missing")
    for path in modules(folder):
        for line, text in passages(path):
            for offset, part in enumerate(text.splitlines()):
                for pattern, _ in LIMITS.values():
                    if re.search(rf"\b(?:{pattern})\b", part, re.IGNORECASE):
                        print(f"{path}:{line + offset}: {part.strip()}")


if __name__ == "__main__":
    _main(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE)
