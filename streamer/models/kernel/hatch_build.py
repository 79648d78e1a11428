"""Build hook that compiles the optional kernel of the compiled engine."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = "streamer/models/kernel"
_MODULE = "streamer/models/_kernel.abi3.so"
_LEFT_OUT = (
    "streamer: the compiled engine is left out, for want of a working C compiler ({}); the NumPy "
    "engine gives the same forecasts"
)
_FLAGS = [
    "-O2",
    "-g0",
    # Products and sums may be fused, which is faster and rounds less.
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    # Vectors are passed between inlined functions only.
    "-Wno-psabi",
]


class KernelHook(BuildHookInterface):
    """Compiles `streamer.models._kernel`, and does without it where that fails."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled module to a wheel, or to the checkout for an editable install."""
        root = Path(self.root)
        target = root / _MODULE
        # An older build is no guide to what this machine can run.
        target.unlink(missing_ok=True)
        try:
            self._compile(root, target)
        except Exception as error:  # noqa: BLE001 - whatever a compiler does wrong, NumPy is left
            self.app.display_warning(_LEFT_OUT.format(str(error).strip() or type(error).__name__))
            return
        from setuptools.command.bdist_wheel import get_platform

        platform = get_platform(None).replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform}"
        build_data["artifacts"].append(_MODULE)

    def _compile(self, root: Path, target: Path) -> None:
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext

        extension = Extension(
            "streamer.models._kernel",
            [str(root / _FOLDER / "lstm.c")],
            depends=[str(root / _FOLDER / "lstm_tile.h")],
            extra_compile_args=_FLAGS,
            py_limited_api=True,
        )
        distribution = Distribution({"name": "streamer", "ext_modules": [extension]})
        command = build_ext(distribution)
        with tempfile.TemporaryDirectory() as folder:
            command.build_lib = command.build_temp = folder
            command.ensure_finalized()
            command.run()
            shutil.copyfile(command.get_ext_fullpath(extension.name), target)
