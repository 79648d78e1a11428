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
    "streamer: left out the compiled engine, since the C compiler failed or is missing; the "
    "NumPy engine gives the same forecasts"
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
    """Compiles `streamer.models._kernel`, and builds a wheel without it where that fails."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled module to a wheel, or to the checkout for an editable install."""
        root = Path(self.root)
        self._work = Path(tempfile.mkdtemp())
        target = root / _MODULE if version == "editable" else self._work / Path(_MODULE).name
        # An older build may have been made for something else.
        target.unlink(missing_ok=True)
        try:
            self._compile(root, target)
        except Exception:  # noqa: BLE001 - whatever the compiler does, NumPy is left
            self.app.display_warning(_LEFT_OUT)
            return
        from setuptools.command.bdist_wheel import get_platform

        platform = get_platform(None).replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform}"
        if version != "editable":
            build_data["force_include"][str(target)] = _MODULE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the compiler left."""
        shutil.rmtree(self._work, ignore_errors=True)

    def _compile(self, root: Path, target: Path) -> None:
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext

        extension = Extension(
            "streamer.models._kernel",
            [str(root / _FOLDER / name) for name in ("module.c", "lstm.c")],
            extra_compile_args=_FLAGS,
            py_limited_api=True,
        )
        command = build_ext(Distribution({"name": "streamer", "ext_modules": [extension]}))
        command.build_lib = command.build_temp = str(self._work)
        command.ensure_finalized()
        command.run()
        shutil.copyfile(command.get_ext_fullpath(extension.name), target)
