"""Records that a COBOL compiler laid out and filled are what we read, and what we write is what it wrote."""

from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.cobol import needs_compiler
from tests.cobol_batches import Filled, agree, batches

pytestmark = needs_compiler


@settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(batches())
def test_a_compiler_and_we_agree_on_layout_values_bytes_and_condition_names(
    tmp_path: Path, batch: list[Filled]
) -> None:
    """A program takes a second to compile, so it holds many copybooks."""
    agree(tmp_path, batch)
