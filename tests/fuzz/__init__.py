"""Fuzzing of untrusted input, run by hand with atheris (``pip install atheris``).

::

    python -m tests.fuzz.fuzz_p1 -runs=1000000

Each module has a function `one_input` that raises if some bytes are read wrongly. The corpus
is kept in ``build/fuzz``, and the next run continues with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path


def run(one_input: Callable[[bytes], None], seeds: Iterable[bytes], *modules: str) -> None:
    """Fuzz for the number of inputs given on the command line.

    Args:
        one_input: takes each input.
        seeds: initial inputs.
        modules: modules whose coverage is measured, not imported yet; by default all code.
    """
    import atheris

    with atheris.instrument_imports(include=list(modules)):
        for name in modules:
            import_module(name)
    if not modules:
        atheris.instrument_all()
    corpus = Path("build", "fuzz", Path(sys.argv[0]).stem)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    options = ["-max_len=2048", "-timeout=10", f"-artifact_prefix={corpus}-", *sys.argv[1:]]
    atheris.Setup([sys.argv[0], str(corpus), *options], one_input)
    atheris.Fuzz()
