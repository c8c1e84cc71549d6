"""The stage table is LaunchDarkly's: who answers, and who gets the call, too."""

import pytest

from routers.stage import Duty, OperationClass, Side, Stage, duty

L, M = Side.LEGACY, Side.MODERN
READS = {
    Stage.OFF: (L, None),
    Stage.DUALWRITE: (L, None),
    Stage.SHADOW: (L, M),
    Stage.LIVE: (M, L),
    Stage.RAMPDOWN: (M, None),
    Stage.COMPLETE: (M, None),
}
WRITES = {
    Stage.OFF: (L, None),
    Stage.DUALWRITE: (L, M),
    Stage.SHADOW: (L, M),
    Stage.LIVE: (M, L),
    Stage.RAMPDOWN: (M, L),
    Stage.COMPLETE: (M, None),
}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("operation", OperationClass)
def test_each_stage_asks_of_both_sides_what_the_table_says(stage: Stage, operation: OperationClass) -> None:
    answers, also = (READS if operation is OperationClass.SAFE else WRITES)[stage]

    assert duty(stage, operation) == Duty(answers=answers, also=also)


def test_authority_to_write_moves_once() -> None:
    assert [duty(stage, OperationClass.UNSAFE).answers for stage in Stage] == [L, L, L, M, M, M]


@pytest.mark.parametrize("side", Side)
def test_the_other_side_of_the_other_side_is_the_same(side: Side) -> None:
    assert side.other is not side
    assert side.other.other is side
