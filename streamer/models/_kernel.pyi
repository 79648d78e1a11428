from typing import Any

from numpy import float32
from numpy.typing import NDArray

_Floats = NDArray[float32]
_Sizes = tuple[int, ...]

MAX_LAYERS: int
MAX_SIZE: int
MAX_WIDTH: int

def kernels() -> list[tuple[str, int, int]]: ...
def run(
    kernel: str, sizes: _Sizes, weights: _Floats, inputs: NDArray[Any], hidden: _Floats, /
) -> None: ...
def state_size(kernel: str, sizes: _Sizes, lanes: int, /) -> int: ...
def step(
    kernel: str,
    sizes: _Sizes,
    weights: _Floats,
    first_weights: _Floats,
    state: _Floats,
    lanes: int,
    slot: int,
    parity: int,
    values: _Floats,
    hidden: _Floats,
    /,
) -> None: ...
