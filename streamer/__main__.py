"""Entry point of `streamer` and `python -m streamer`."""

import signal
import threading


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
    from streamer.cli import main as run

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
