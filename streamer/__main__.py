"""Entry point of `streamer` and `python -m streamer`."""

import gc
import signal
import threading

_THRESHOLD = 20_000
"""New objects after which garbage is collected, instead of 700 or 2,000. Nearly all that are made
by imports stay, and looking through them again and again takes 4 % of the start-up time."""


def main() -> None:
    """Run the command line.

    During its imports, Ctrl-C ends the program by the default action of the signal: Python's
    own handler would print a traceback, or occasionally be ignored.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(_THRESHOLD)
    from streamer.cli import main as run

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
