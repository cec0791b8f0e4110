"""Plots of the report, as SVG that is the same for the same results."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from lab.bench.report_figures import (
    Curve,
    Value,
    curves,
    groups,
    is_percentile,
    unit,
    values,
    words,
)
from lab.bench.report_tables import number
from lab.bench.result import Check, Result

OURS, REFERENCE, MISSED, INK, FAINT = "#0072b2", "#a9b4bd", "#d55e00", "#24292f", "#d8dee4"
LINES = (OURS, "#e69f00", "#009e73", "#cc79a7")  # told apart by the colour-blind too
WIDTH_INCHES = 8.0
BAR_INCHES = 0.34
CURVE_INCHES = 2.1
LOG_FROM = 50  # times the least x, from which a curve's x is logarithmic
DOTS_MAX = 30
REACH_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "yima",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
}


def draw_overview(results: Sequence[Result], path: Path) -> bool:
    """Whether there was something to draw: each thing asked, as a bar from what was asked."""
    rows = [
        (result, check)
        for result in results
        for check in result.checks()
        if check.value > 0 < check.limit
    ]
    if not rows:
        return False
    with matplotlib.rc_context(_STYLE):
        figure = _figure(len(rows) * BAR_INCHES + 0.9)
        axes = figure.subplots()
        _reach_bars(axes, rows)
        _save(figure, path)
    return True


def draw_result(result: Result, path: Path) -> bool:
    """Whether there was something to draw: bars of each unit, percentiles, curves."""
    bars = _bars_by_title(result)
    lines = _lines_by_unit(curves(result))
    if not bars and not lines:
        path.unlink(missing_ok=True)
        return False
    heights = [len(group) * BAR_INCHES + 0.65 for group in bars.values()]
    heights += [CURVE_INCHES] * len(lines)
    with matplotlib.rc_context(_STYLE):
        figure = _figure(sum(heights))
        panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        references = {"bare", *(name.split("_")[0] for name in result.ratios)}
        for axes, (title, group) in zip(panels, bars.items(), strict=False):
            _bars(axes, title, group, references)
        for axes, together in zip(panels[len(bars) :], lines, strict=True):
            _lines(axes, together)
        _save(figure, path)
    return True


def _bars_by_title(result: Result) -> dict[str, dict[str, Value]]:
    """What is drawn as bars: a panel for each unit, and one for each group of figures."""
    panels: dict[str, dict[str, Value]] = {}
    for name, known in values(result).items():
        is_measured_often = isinstance(result.figures[name], dict)
        if is_measured_often or is_percentile(name):
            panels.setdefault(words(unit(name)), {})[_without_unit(name)] = known
    for name, members in groups(result).items():
        panels[words(name)] = {words(member): known for member, known in members.items()}
    return panels


def _lines_by_unit(found: Iterable[Curve]) -> list[list[Curve]]:
    groups: dict[tuple[str, str], list[Curve]] = {}
    for curve in found:
        groups.setdefault((curve.x, unit(curve.y)), []).append(curve)
    return list(groups.values())


def _reach_bars(axes: Axes, rows: Sequence[tuple[Result, Check]]) -> None:
    """Bars from 1, which is what was asked, to how many times as good it is."""
    for place, (result, check) in enumerate(rows):
        times = check.value / check.limit if check.is_floor else check.limit / check.value
        axes.barh(place, times - 1, left=1, height=0.62, color=OURS if check.met else MISSED)
        sign = "" if check.is_floor else "under "
        mark = "x" if check.name in result.ratios else ""
        said = f"{number(check.value)}{mark} (asked {sign}{number(check.limit)}{mark})"
        _say(axes, said, max(times, 1), place)
    axes.set_xscale("log")
    least, most = axes.get_xlim()
    axes.set_xlim(min(least, 0.5), max(most, 2) * 3)  # room for the words
    axes.set_xticks([tick for tick in REACH_TICKS if least / 2 < tick < most * 2])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(1, color=INK, linewidth=1)
    signs = [" / " if check.name in result.ratios else ": " for result, check in rows]
    _name_rows(axes, [r.name + s + words(c.name) for s, (r, c) in zip(signs, rows, strict=True)])
    axes.set_title("Measured against what was asked")
    axes.set_xlabel("times as good as asked (missed to the left of 1)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda times, _: f"{times:g}"))
    axes.spines["left"].set_visible(False)


def _bars(axes: Axes, title: str, group: dict[str, Value], references: set[str]) -> None:
    for place, (name, known) in enumerate(group.items()):
        colour = REFERENCE if name.split()[0] in references else OURS
        axes.barh(place, known.median, height=0.62, color=colour)
        said = number(known.median)
        if known.is_spread:
            axes.plot([known.least, known.greatest], [place, place], color=INK, linewidth=1.2)
            said += f" ({number(known.least)} to {number(known.greatest)})"
        _say(axes, said, known.greatest, place)
    _name_rows(axes, list(group))
    axes.set_xlim(0, max(known.greatest for known in group.values()) * 1.45 or 1)
    axes.set_title(title)
    axes.xaxis.set_major_formatter(_numbers())
    axes.grid(axis="x")


def _lines(axes: Axes, together: Sequence[Curve]) -> None:
    x, y = together[0].x, together[0].y
    everywhere = [at for curve in together for at, _ in curve.points]
    is_long = unit(x) == "seconds" and max(everywhere) > 600
    for curve, colour in zip(together, LINES * len(together), strict=False):
        _line(axes, curve, colour, scale=60 if is_long else 1)
    if min(everywhere) > 0 and max(everywhere) >= LOG_FROM * min(everywhere):
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
    axes.set_xlabel("minutes" if is_long else words(x))
    axes.xaxis.set_major_formatter(_numbers())
    axes.yaxis.set_major_formatter(_numbers())
    axes.grid()
    if len(together) == 1:
        axes.set_title(words(y))
    else:
        axes.set_title(words(unit(y)))
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=len(together))


def _line(axes: Axes, curve: Curve, colour: str, scale: float) -> None:
    at = [where / scale for where, _ in curve.points]
    known = [found for _, found in curve.points]
    has_dots = len(at) <= DOTS_MAX
    axes.plot(
        at,
        [found.median for found in known],
        color=colour,
        linewidth=1.5 if has_dots else 0.9,
        marker="o" if has_dots else "",
        markersize=4,
        label=_without_unit(curve.y),
    )
    if any(found.is_spread for found in known):
        least, greatest = [found.least for found in known], [found.greatest for found in known]
        axes.fill_between(at, least, greatest, color=colour, alpha=0.18, linewidth=0)


def _without_unit(name: str) -> str:
    return words(name.removesuffix(unit(name)).strip("_") or name)


def _numbers() -> FuncFormatter:
    return FuncFormatter(lambda amount, _: number(amount))


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _say(axes: Axes, said: str, x: float, place: int) -> None:
    """Words to the right of a bar."""
    axes.annotate(
        said, (x, place), (5, 0), textcoords="offset points", verticalalignment="center", fontsize=8
    )


def _figure(height_inches: float) -> Figure:
    return Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
