from pathlib import Path

import pytest

from core.errors import NotFound
from lab.bench.run import run_all


def test_a_name_that_is_no_benchmark_is_refused_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    with pytest.raises(NotFound, match="nonsense"):
        next(run_all(["labels", "nonsense"], tmp_path))
    assert list(tmp_path.iterdir()) == []
