import contextlib

from lab.bench.profile import STAGES, Stopwatch


def spin(rounds: int) -> int:
    return sum(range(rounds))


def test_a_stage_is_charged_without_what_it_calls_of_another() -> None:
    watch = Stopwatch()
    inner = watch.timed("inner", lambda: spin(200_000))
    outer = watch.timed("outer", lambda: [inner() for _ in range(20)])
    outer()
    cpu, wall, calls = watch.read()
    assert calls == {"outer": 1, "inner": 20}
    assert cpu["outer"] < cpu["inner"] / 5
    assert wall["outer"] < wall["inner"] / 2
    assert watch.read()[2] == {}


def test_a_stage_that_fails_is_charged_too() -> None:
    watch = Stopwatch()
    refuse = watch.timed("stage", lambda: 1 / 0)
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError):
            refuse()
    assert watch.read()[2] == {"stage": 2}


def test_every_stage_is_there_to_be_timed() -> None:
    for parts in STAGES.values():
        assert all(callable(getattr(owner, name)) for owner, name in parts)
