"""Runs benchmarks by name, and keeps what they said for the report."""

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from core import clock
from core.errors import NotFound
from lab.bench.machine import machine, versions
from lab.bench.result import Result

NAMES = ("scan", "page", "hot-code", "claim", "issue", "labels", "lookup", "growth", "migrate")


def run_one(name: str, home: Path) -> Result:
    """The benchmark's result, on servers of its own under `home`. Raises `NotFound`."""
    check_names([name])
    result: Result = import_module(f"lab.bench.{name.replace('-', '_')}").run(home)
    return result


def run_all(names: Sequence[str], home: Path) -> Iterator[Result]:
    """Results one after the other, each kept before it is told.

    Raises `NotFound` before anything is measured.
    """
    check_names(names)
    for name in names:
        result = run_one(name, home)
        keep(result, results_folder(home))
        yield result


def check_names(names: Sequence[str]) -> None:
    """Raises `NotFound` that names the first that is no benchmark."""
    for name in names:
        if name not in NAMES:
            raise NotFound(what="benchmark", name=name)


def results_folder(home: Path) -> Path:
    """Where results of benchmarks under `home` are kept, `NAME.json` each."""
    return home / "results"


def keep(result: Result, folder: Path) -> None:
    """The result with its day, machine and versions takes the place of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {
        **result.as_json(),
        "measured_on": clock.now().date().isoformat(),
        "machine": machine(),
        "versions": versions(),
    }
    draft = folder / f".{result.name}.new"
    draft.write_text(json.dumps(kept, indent=2) + "\n")
    draft.replace(folder / f"{result.name}.json")


def show(result: Result) -> str:
    """The result for people."""
    lines = [f"{result.name}: {'reached' if result.met else 'NOT reached'}"]
    lines += [f"  {name}: {value}" for name, value in result.figures.items()]
    lines += [f"  ratio to {name}: {value}" for name, value in result.ratios.items()]
    lines += [f"  asked: {name} {bound}" for name, bound in result.reach.items()]
    lines += [f"  {name}: {value}" for name, value in result.notes.items()]
    return "\n".join(lines)
