"""Calls that may wait, in threads that never keep the program from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """The result of a function that may wait for a disk or a network.

    If the task is cancelled meanwhile, the function still ends, and its result is dropped. The
    executor of asyncio is not used: the end of the event loop would wait for it.

    Raises:
        Exception: what the function raises.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def set_result(result: T) -> None:
        if not future.done():
            future.set_result(result)

    def set_error(error: Exception) -> None:
        if not future.done():
            future.set_exception(error)

    def work() -> None:
        with suppress(RuntimeError):  # the loop is closed
            try:
                result = function()
            except Exception as error:  # noqa: BLE001 - raised in the task
                loop.call_soon_threadsafe(set_error, error)
            else:
                loop.call_soon_threadsafe(set_result, result)

    threading.Thread(target=work, name="notifications", daemon=True).start()
    return await future
