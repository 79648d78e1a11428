"""`streamer` and `python -m streamer`."""

import signal
import threading


def main() -> None:
    """Run the command line.

    While its parts are imported, Ctrl-C ends the program as any other: Python's own answer
    to it would be a traceback, or now and then nothing at all.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from streamer.cli import main as run

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
