"""Fixtures for files, pipes and time zones."""

import os
import time

import pytest


@pytest.fixture
def write(tmp_path):
    """A function that writes a file and returns its path."""

    def write(content, name="house.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def stdin():
    """Replaces file descriptor 0 by a pipe; yields the end to write to."""
    saved = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    with open(writer, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor
        yield file
    os.dup2(saved, 0)
    os.close(saved)


@pytest.fixture
def berlin(monkeypatch):
    """Sets a local time zone with summer time."""
    yield from _in_zone("Europe/Berlin", monkeypatch)


@pytest.fixture
def new_york(monkeypatch):
    """Sets a local time zone west of UTC."""

    yield from _in_zone("America/New_York", monkeypatch)


def _in_zone(name, monkeypatch):
    monkeypatch.setenv("TZ", name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
