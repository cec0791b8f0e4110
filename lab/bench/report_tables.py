"""Tables of the report, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.bench.report_figures import Curve, Value, curves, groups, value, values, words
from lab.bench.result import Check, Result

POINTS_MAX = 12  # of a curve, in a table
SIGNS = {">=": "at least", "<": "under", "<=": "at most"}


def setting(machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """What figures were measured with, in two sentences."""
    if not machine:
        return ""
    kept = {**machine}
    processor, cores, memory = (kept.pop(key) for key in ("processor", "cores", "memory"))
    rest = ", ".join(kept.values())
    parts = ", ".join(f"{name} {said}" for name, said in versions.items() if name != "client")
    client = f" Load client: {versions['client']}." if "client" in versions else ""
    return f"{processor}, {cores} cores, {memory}, {rest}. {parts}.{client}"


def overview(results: Sequence[Result]) -> str:
    """Everything that was asked, of all benchmarks."""
    rows = [
        [f"`{result.name}`", *_check(result, check)]
        for result in results
        for check in result.checks()
    ]
    return table(["benchmark", "what", "measured", "asked", ""], "llrrl", rows)


def checks(result: Result) -> str:
    """What was asked of one benchmark, and the ratios that nothing was asked of."""
    rows = [_check(result, check) for check in result.checks()]
    rows += [
        [_against(name), number(ratio), "", ""]
        for name, ratio in result.ratios.items()
        if name not in result.reach
    ]
    return table(["what", "measured", "asked", ""], "lrrl", rows) if rows else ""


def figures(result: Result) -> list[str]:
    """A table of numbers and spreads that nothing was asked of, and one of each set of curves."""
    rows = [
        _row(words(name), known)
        for name, known in values(result).items()
        if name not in result.reach
    ]
    together = groups(result)
    for name, members in together.items():
        rows += [
            _row(f"{words(name)}: {words(member)}", known) for member, known in members.items()
        ]
    for name, figure in result.figures.items():
        if value(figure) is None and name not in together and not isinstance(figure, list):
            rows.append([words(name), str(figure)])
    tables = [table(["figure", "median", "least", "greatest"], "lrrr", rows)] if rows else []
    by_x: dict[tuple[str, tuple[float, ...]], list[Curve]] = {}
    for curve in curves(result):
        by_x.setdefault((curve.x, tuple(at for at, _ in curve.points)), []).append(curve)
    return tables + [_curves(x, list(at), drawn) for (x, at), drawn in by_x.items()]


def notes(result: Result) -> str:
    """What else the benchmark said, as a line."""
    return "; ".join(f"{words(name)}: {_plain(said)}" for name, said in result.notes.items())


def table(head: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; `sides` has l or r for each column, short rows are filled up."""
    rule = ["---:" if side == "r" else "---" for side in sides]
    full = [[*row, *[""] * (len(head) - len(row))] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *full])


def number(amount: float) -> str:
    """A number as people read it: three digits or more that mean something."""
    if isinstance(amount, int) or abs(amount) >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.3g}"


def _check(result: Result, check: Check) -> list[str]:
    name = _against(check.name) if check.name in result.ratios else words(check.name)
    sign, limit = check.bound.split()
    shown = f"{SIGNS[sign]} {number(float(limit))}"
    return [name, number(check.value), shown, "reached" if check.met else "**missed**"]


def _row(name: str, known: Value) -> list[str]:
    bounds = [known.least, known.greatest] if known.is_spread else []
    return [name, *map(number, [known.median, *bounds])]


def _spread(known: Value) -> str:
    bounds = f" ({number(known.least)} to {number(known.greatest)})" if known.is_spread else ""
    return number(known.median) + bounds


def _against(name: str) -> str:
    return f"ratio to `{name}`"


def _plain(said: Any) -> str:
    return number(said) if value(said) is not None and not isinstance(said, Mapping) else str(said)


def _curves(x: str, at: list[float], together: Sequence[Curve]) -> str:
    if len(at) > POINTS_MAX:
        names = ["first", "least", "median", "greatest", "last"]
        lines = [
            [words(curve.y), *[number(curve.summary()[name]) for name in names]]
            for curve in together
        ]
        return table([f"over {words(x)}", *names], "lrrrrr", lines)
    head = [words(x), *[words(curve.y) for curve in together]]
    rows = [
        [number(where), *[_spread(curve.points[row][1]) for curve in together]]
        for row, where in enumerate(at)
    ]
    return table(head, "r" * len(head), rows)
