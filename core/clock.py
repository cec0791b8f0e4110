"""The one source of time; tests set it, everything else asks it."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _source()


@contextlib.contextmanager
def fixed(instant: datetime) -> Iterator[None]:
    """Holds `now()` at `instant` (aware) in this process until the block ends."""
    global _source
    before, _source = _source, lambda: instant
    try:
        yield
    finally:
        _source = before
