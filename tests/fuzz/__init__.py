"""What comes off a wire, fuzzed by hand with atheris (``pip install atheris``).

::

    python -m tests.fuzz.fuzz_p1 -runs=1000000

Each module has a function `one_input` that raises if anything is wrong with how some bytes
are read. What has been learnt is kept in ``build/fuzz``, and the next run goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path


def run(one_input: Callable[[bytes], None], seeds: Iterable[bytes], *modules: str) -> None:
    """Fuzz until as many inputs are done as the command line says.

    Args:
        one_input: gets each input.
        seeds: inputs to begin with.
        modules: what to measure the coverage of; not yet imported. By default all code there is.
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
