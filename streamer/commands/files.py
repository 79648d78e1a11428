"""Options for reading a file of readings, shared by all commands that take one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.errors import UsageError
from streamer.sources.bounds import MAX_KW

if TYPE_CHECKING:
    from streamer.models.inputs import Input
    from streamer.sources import Recording
    from streamer.sources.files.layout import ChannelRequest
    from streamer.sources.files.replay import ReplaySource
    from streamer.sources.files.shape import Quantity
    from streamer.sources.files.units import Unit


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Options for reading a file, with the meanings that `open_replay` documents."""

    column: str | None = None
    minus: str | None = None
    solar: str | None = None
    solar_unit: Unit | None = None
    battery: str | None = None
    battery_unit: Unit | None = None
    channel: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    quantity: Quantity | None = None
    as_minutes: bool = False
    decimal: str | None = None
    member: str | None = None
    time_column: str | None = None
    time_format: str | None = None
    delimiter: str | None = None
    unit: Unit | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int | None = None
    strict: bool = False
    max_kw: float = MAX_KW

    def open(self, file: str, inputs: Sequence[Input] = ()) -> Recording:
        """Open a file with these options.

        Args:
            file: the file, or `-` for standard input.
            inputs: what the model takes beside the power.

        Raises:
            UsageError: an option does not apply to this file, or the file does not have what the
                model takes.
        """
        from streamer.commands.channels import requests_for
        from streamer.recording import is_recording

        channels = requests_for(inputs, self.channel) if inputs or self.channel else ()
        if file != "-" and is_recording(Path(file)):
            if channels:
                raise UsageError(
                    f"{file} is a recording, which holds the power alone, but the model takes "
                    f"{', '.join(each.name for each in channels)} as well; give --model sceaux"
                )
            return self._open_recording(Path(file))
        return self._open_file(file, channels)

    def open_all(self, file: str) -> ReplaySource:
        """Open a file with these options, and all channels that they name or it is known to have.

        Raises:
            UsageError: an option does not apply to this file.
        """
        from streamer.commands.channels import own_requests

        return self._open_file(file, own_requests(self.channel), all_channels=True)

    def _open_file(
        self, file: str, channels: Sequence[ChannelRequest], *, all_channels: bool = False
    ) -> ReplaySource:
        from streamer.sources.files.delimited import open_replay

        return open_replay(
            file,
            column=self.column,
            minus=self.minus,
            solar=self.solar,
            solar_unit=self.solar_unit,
            battery=self.battery,
            battery_unit=self.battery_unit,
            where=self.where,
            quantity=self.quantity,
            as_minutes=self.as_minutes,
            decimal=self.decimal,
            member=self.member,
            time_column=self.time_column,
            time_format=self.time_format,
            delimiter=self.delimiter,
            unit=self.unit,
            start=self.start,
            end=self.end,
            limit=self.limit,
            strict=self.strict,
            max_kw=self.max_kw,
            channels=channels,
            all_channels=all_channels,
        )

    def _open_recording(self, file: Path) -> Recording:
        from streamer.recording.source import open_recording

        layout = {
            "--column": self.column,
            "--minus": self.minus,
            "--solar": self.solar,
            "--solar-unit": self.solar_unit,
            "--battery": self.battery,
            "--battery-unit": self.battery_unit,
            "--where": self.where or None,
            "--quantity": self.quantity,
            "--as-minutes": self.as_minutes or None,
            "--decimal": self.decimal,
            "--member": self.member,
            "--time-column": self.time_column,
            "--time-format": self.time_format,
            "--delimiter": self.delimiter,
            "--unit": self.unit,
        }
        for option, value in layout.items():
            if value is not None:
                raise UsageError(f"{file} is a recording: {option} does not apply to it")
        return open_recording(file, start=self.start, end=self.end, limit=self.limit)
