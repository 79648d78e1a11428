"""Tables of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import JustifyMethod
from rich.table import Table


def of_machine(found: dict[str, Any]) -> Table:
    """The machine."""
    table = _table("Machine", [""], "left")
    table.add_row("processor", f"{found['processor']}; {found['cores']} cores")
    table.add_row("system", found["system"])
    table.add_row("packages", ", ".join(f"{k} {v}" for k, v in found["versions"].items()))
    table.add_row("load before", f"{found['load_before']:.2f}")
    return table


def of_engines(found: dict[str, Any]) -> Table:
    """All engines."""
    columns = ["one: p50", "p99", "slower", "a second", "a call", "slower", "off by"]
    table = _table(f"Engines, medians of {found['turns']} turns", columns)
    for title, figures in found["engines"].items():
        single, batch = figures["single"], figures["batch"]
        table.add_row(
            title,
            *([f"{single[name]:.3f}" for name in ("p50_ms", "p99_ms")] if single else ["", ""]),
            _times(figures["single_ratio"]),
            f"{batch['windows_per_s']:,.0f}",
            f"{batch['batch']:.0f}",
            _times(figures["batch_ratio"]),
            "" if figures["difference_kw"] is None else f"{figures['difference_kw']:.1e}",
        )
    bound = found["bound"]
    ours = found["engines"][found["ours"]]["batch"]["windows_per_s"]
    table.add_section()
    table.add_row(
        "its products alone",
        *[""] * 3,
        f"{bound['windows_per_s']:,.0f}",
        "512",
        f"×{ours / bound['windows_per_s']:.2f}",
    )
    table.caption = (
        f"One forecast in ms; off by: kW at most, from {found['reference']}; slower: than "
        f"{found['ours']} in the same turn. "
        f"The products: {bound['gflop_per_s']:.0f} GFLOP/s."
    )
    return table


def of_streams(found: dict[str, Any], engines: dict[str, Any] | None) -> Table:
    """A replay, its parts, and its growth with length."""
    table = _table("Streams", ["", ""])
    replay = found["replay"]
    rate = replay["readings"] / replay["seconds"]
    of_bound = ""
    if engines is not None:
        of_bound = f"{rate / engines['bound']['windows_per_s']:.0%} of the products alone"
    table.add_row(
        f"replay --speed max -q, {replay['readings']:,} readings",
        f"{replay['seconds']:.1f} s, {rate:,.0f}/s",
        of_bound,
    )
    resident = found["stream"]["resident_mb"]
    table.add_row(
        "memory, first and last 100,000; peak of the command",
        f"{resident[0]:.1f}, {resident[-1]:.1f} MB" if resident else "",
        f"{replay['peak_mb']:.1f} MB",
    )
    lines = found["json_lines"]
    table.add_row(
        f"replay --format json, {lines['readings']:,} readings",
        f"{lines['seconds']:.1f} s, {lines['readings'] / lines['seconds']:,.0f}/s",
        "",
    )
    rows = found["rows"]
    table.add_row("rows/s, in blocks", f"{rows['block_rows_per_s']:,.0f}", "")
    table.add_row("rows/s, one by one", f"{rows['row_rows_per_s']:,.0f}", "")
    for name, figure in found["overhead"].items():
        what = name.removesuffix("_us")
        table.add_row(f"all but the network, {what}", f"{figure:.2f} µs a reading", "")
    for what, figure in found["online"].items():
        table.add_row(f"of which {what}", f"{figure:.2f} µs a reading", "")
    table.add_section()
    for stream in found["growing"]:
        each = 1e6 * stream["seconds"] / stream["readings"]
        table.add_row(f"a stream of {stream['readings']:,}", f"{each:.1f} µs a reading", "")
    table.add_section()
    for engine, stream in found["engines"].items():
        each = 1e6 * stream["seconds"] / stream["readings"]
        rate = stream["readings"] / stream["seconds"]
        share = ""
        if engines is not None:
            share = f"{rate / engines['bound']['windows_per_s']:.0%} of the products alone"
        table.add_row(f"the same on {engine}, {rate:,.0f}/s", f"{each:.1f} µs a reading", share)
    table.add_section()
    for size, each in found["batches"].items():
        table.add_row(f"{int(size):,} windows at once", f"{each:.1f} µs a window", "")
    return table


def of_startup(found: dict[str, float]) -> Table:
    """Start-up times."""
    table = _table("Start-up, warm", ["seconds"])
    table.add_row("streamer --version", f"{found['version_s']:.2f}")
    table.add_row("streamer replay: first frame", f"{found['first_frame_s']:.2f}")
    table.add_row("streamer replay: first forecast", f"{found['first_forecast_s']:.2f}")
    return table


def of_training(found: dict[str, dict[str, float]] | None) -> Table:
    """Training beside a plain fit."""
    table = _table("Training", ["windows/s", "times the plain fit"])
    if found is None:
        table.add_row("left out, since tensorflow is not installed")
        return table
    for title, figures in found.items():
        table.add_row(title, f"{figures['windows_per_s']:,.0f}", _times(figures["ratio"]))
    return table


def of_fleets(found: Sequence[dict[str, Any]]) -> Table:
    """A fleet on Spark beside the same offline, and extrapolations to more meters."""
    table = _table(
        "Fleets",
        [f"{each['meters']:,} meters" + (", other" if each["checkout"] else "") for each in found],
    )

    def row(title: str, *path: str, form: str = "{:,.0f}", times: float = 1.0) -> None:
        values = []
        for each in found:
            value: Any = each
            for key in path:
                value = value[key]
            values.append(form.format(value * times))
        table.add_row(title, *values)

    row("network alone, windows/s", "network", "readings_per_s")
    row("offline, readings/s", "offline", "readings_per_s")
    row("Spark, readings/s, once warm", "spark", "readings_per_s")
    shares = [each["spark"]["readings_per_s"] / each["offline"]["readings_per_s"] for each in found]
    table.add_row("  of offline", *[f"{share:.0%}" for share in shares])
    row("  with its start, and the hour before", "spark", "all_in_per_s")
    row("offline, one minute of all, s", "offline", "minute_s", form="{:.1f}")
    row("Spark, one minute of all, s", "spark", "minute_s", form="{:.1f}")
    table.add_section()
    row("CPU a reading: network alone, µs", "network", "cpu_us", form="{:.1f}")
    row("offline", "offline", "cpu_us", form="{:.1f}")
    row("Spark", "spark", "cpu_us", form="{:.1f}")
    row("  of which Python", "spark", "python_us", form="{:.1f}")
    row("  the JVM", "spark", "jvm_us", form="{:.1f}")
    row("  and processes that it starts", "spark", "forks_us", form="{:.1f}")
    table.add_section()
    row("Spark starts in, s", "spark", "start_s", form="{:.0f}")
    row("its first batch takes, s", "spark", "first_batch_s", form="{:.0f}")
    row("state, bytes a meter", "offline", "state_bytes")
    row("  written a minute", "spark", "written_bytes")
    row("  on disk, with all of the checkpoint", "spark", "disk_bytes")
    of_many = found[-1]
    for meters in (1_000_000, 10_000_000):
        cores = meters * of_many["spark"]["cpu_us"] / 60e6
        written = meters * of_many["spark"]["written_bytes"] / 1e9
        table.add_row(
            f"on paper, {meters:,} meters a minute",
            *[""] * (len(found) - 1),
            f"{cores:,.1f} cores, {written:,.1f} GB of state",
        )
    table.caption = (
        "Offline: the same arithmetic in one process, from arrays to arrays, on all cores. Spark: "
        "from files to files, ten minutes a batch. For the first 49 minutes nothing is forecast."
    )
    return table


def _table(title: str, columns: Sequence[str], justify: JustifyMethod = "right") -> Table:
    table = Table(
        title=title,
        box=box.SIMPLE,
        show_header=any(columns),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify=justify)
    return table


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"×{ratio:,.2f}" if ratio < 10 else f"×{ratio:,.0f}"
