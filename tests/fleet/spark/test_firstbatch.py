"""Tests of the judgement of the first batch, and of the lines about its progress."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streamer.errors import UsageError
from streamer.fleet.spark.firstbatch import FirstBatchProgress, check_tallies
from streamer.fleet.spark.locations import Columns
from streamer.fleet.spark.values import NO_METER, WRONG_MINUTE, WRONG_POWER


def tally(reason: str | None, rows: int, **example: str | None) -> dict[str, Any]:
    return {
        "reason": reason,
        "rows": rows,
        "meters": 1,
        **dict.fromkeys(("meter", "minute", "kw")),
        **example,
    }


@pytest.mark.parametrize(
    "tallies",
    [
        [],
        [tally(None, 100)],
        [tally(None, 80), tally(WRONG_POWER, 20, kw="x")],
        [tally(None, 1), tally(WRONG_POWER, 18, kw="x")],
    ],
    ids=["empty", "usable", "at the limit", "few"],
)
def test_a_usable_first_batch_is_accepted(tallies: list[dict[str, Any]]) -> None:
    check_tallies("in", tallies, Columns(), 0.2)


def test_the_column_of_most_unusable_rows_is_named_with_an_example() -> None:
    tallies = [
        tally(None, 79),
        tally(NO_METER, 1),
        tally(WRONG_MINUTE, 20, minute="31/12/2025\n12:00"),
    ]
    with pytest.raises(UsageError) as error:
        check_tallies("in", tallies, Columns(minute="time"), 0.2)
    text = str(error.value)
    assert text.startswith(
        "in: 21 of 100 rows of the first batch are unusable, most because of column 'time': the "
        "minute is not a time of the past, such as '31/12/2025"
    )
    assert "\n" not in text
    check_tallies("in", tallies, Columns(minute="time"), 1.0)


def test_a_few_rows_are_judged_if_all_are_unusable() -> None:
    with pytest.raises(
        UsageError, match=r"1 of 1 row of .* column 'meter': no meter, such as noth"
    ):
        check_tallies("in", [tally(NO_METER, 1)], Columns(), 0.2)


class _Tracker:
    def getActiveStageIds(self) -> list[int]:  # noqa: N802
        return [1, 2, 3]

    def getStageInfo(self, stage: int) -> Any:  # noqa: N802
        return None if stage == 2 else SimpleNamespace(numTasks=4, numCompletedTasks=stage)


def test_a_line_of_progress_is_due_every_ten_seconds_of_a_batch() -> None:
    now = [100.0]
    query = SimpleNamespace(status={"isTriggerActive": True})
    progress = FirstBatchProgress(query, _Tracker(), lambda: now[0])  # type: ignore[arg-type]
    lines = []
    for now[0] in (100.0, 109.0, 110.0, 119.0, 121.0):
        lines.append(progress.line())
    begin = "the first batch is running"
    assert lines == [
        None,
        None,
        f"{begin}, 10 s so far: 4 of 8 tasks done in this stage",
        None,
        f"{begin}, 21 s so far: 4 of 8 tasks done in this stage",
    ]
    now[0], query.status["isTriggerActive"] = 200.0, False
    assert progress.line() is None
