"""Runs benchmarks by name."""

from importlib import import_module
from pathlib import Path

from core.errors import NotFound
from lab.bench.result import Result

NAMES = ("scan", "page", "hot-code", "claim", "issue", "labels", "lookup", "growth")


def run_one(name: str, home: Path) -> Result:
    """The benchmark's result, on servers of its own under `home`. Raises `NotFound`."""
    if name not in NAMES:
        raise NotFound(what="benchmark", name=name)
    result: Result = import_module(f"lab.bench.{name.replace('-', '_')}").run(home)
    return result


def show(result: Result) -> str:
    """The result for people."""
    lines = [f"{result.name}: {'reached' if result.met else 'NOT reached'}"]
    lines += [f"  {name}: {value}" for name, value in result.figures.items()]
    lines += [f"  ratio to {name}: {value}" for name, value in result.ratios.items()]
    lines += [f"  asked: {name} {bound}" for name, bound in result.reach.items()]
    lines += [f"  {name}: {value}" for name, value in result.notes.items()]
    return "\n".join(lines)
