from pathlib import Path

import pytest

from tests.running import town

__all__ = ["town"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is here, to be run again at full length."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.fault)
