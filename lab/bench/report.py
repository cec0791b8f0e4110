"""The report: tables and plots of what benchmarks measured last, set into a document of prose.

Prose belongs to people. The report writes between `<!-- measured: begin NAME -->` and
`<!-- measured: end NAME -->` only, and gives a benchmark that has no such place a section.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from core import settings
from lab.bench import report_plots, report_tables
from lab.bench.result import Result
from lab.bench.run import NAMES, results_folder

DOCUMENT = "performance.md"
PLOTS = "performance"
OVERVIEW = "overview"


@dataclass(frozen=True)
class Measured:
    """A kept result, and what it was measured with."""

    result: Result
    measured_on: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def write_report(results: Path, docs: Path) -> list[Path]:
    """The files of `docs` that now show what is in `results`; the same results, the same bytes.

    Raises ValueError when a place in the document has a beginning and no end.
    """
    found = read_results(results)
    plots = docs / PLOTS
    plots.mkdir(parents=True, exist_ok=True)
    blocks = {}
    benchmarks = [measured for measured in found if measured.result.name in NAMES]
    if any(measured.result.reach for measured in benchmarks):
        written = report_plots.draw_overview(
            [measured.result for measured in benchmarks], plots / f"{OVERVIEW}.svg"
        )
        blocks[OVERVIEW] = _overview(benchmarks, written)
    for measured in found:
        name = measured.result.name
        written = report_plots.draw_result(measured.result, plots / f"{name}.svg")
        blocks[name] = _section(measured, written)
    document = docs / DOCUMENT
    before = document.read_text() if document.exists() else "# Performance\n"
    document.write_text(filled(before, blocks))
    return [document, *sorted(plots.glob("*.svg"))]


def read_results(folder: Path) -> list[Measured]:
    """All kept results, benchmarks in their order, others after them by name."""
    order = {name: place for place, name in enumerate(NAMES)}
    files = sorted(folder.glob("*.json"), key=lambda f: (order.get(f.stem, len(order)), f.stem))
    return [_measured(json.loads(file.read_text())) for file in files]


def filled(document: str, blocks: Mapping[str, str]) -> str:
    """The document with each block in its place; all else as it was."""
    for name, block in blocks.items():
        begin, end = f"<!-- measured: begin {name} -->", f"<!-- measured: end {name} -->"
        whole = f"{begin}\n{block.strip()}\n{end}"
        if begin in document:
            head, _, rest = document.partition(begin)
            _, found, tail = rest.partition(end)
            if not found:
                raise ValueError(f"“{begin}” has no end in the document")
            document = head + whole + tail
        else:
            document = _with_place(document, name, whole)
    return document


def _with_place(document: str, name: str, whole: str) -> str:
    """The block under its benchmark's heading, which is made if there is none.

    The overview stands before the first section.
    """
    section = r"^## " if name == OVERVIEW else rf"^## `{re.escape(name)}`.*\n"
    heading = re.search(section, document, re.MULTILINE)
    if name == OVERVIEW:
        at = heading.start() if heading else len(document)
        return f"{document[:at].rstrip()}\n\n{whole}\n\n{document[at:]}".rstrip() + "\n"
    if heading is None:
        return f"{document.rstrip()}\n\n## `{name}`\n\n{whole}\n"
    return f"{document[: heading.end()]}\n{whole}\n{document[heading.end() :]}"


def _measured(kept: dict[str, Any]) -> Measured:
    about = {key: kept[key] for key in ("measured_on", "machine", "versions") if key in kept}
    result = Result(**{key.name: kept[key.name] for key in fields(Result)})
    return Measured(result, **about)


def _overview(found: Sequence[Measured], plot: bool) -> str:
    stands: dict[str, list[str]] = {}
    for measured in found:
        stands.setdefault(report_tables.setting(measured.machine, measured.versions), []).append(
            f"`{measured.result.name}`"
        )
    parts = [
        text if len(stands) == 1 else f"{', '.join(names)}: {text}"
        for text, names in stands.items()
        if text
    ]
    parts.append(report_tables.overview([measured.result for measured in found]))
    parts.append(_image(OVERVIEW, "What was measured against what was asked") if plot else "")
    return "\n\n".join(part for part in parts if part)


def _section(measured: Measured, plot: bool) -> str:
    result = measured.result
    verdict = (
        "All that was asked is reached." if result.met else "Not all that was asked is reached."
    )
    on = f"Measured on {measured.measured_on}." if measured.measured_on else ""
    parts = [f"{on} {verdict if result.reach else ''}".strip(), report_tables.checks(result)]
    parts += report_tables.figures(result)
    parts.append(report_tables.notes(result))
    parts.append(_image(result.name, f"Figures of {result.name}") if plot else "")
    return "\n\n".join(part for part in parts if part)


def _image(name: str, words: str) -> str:
    return f"![{words}]({PLOTS}/{name}.svg)"


def main(arguments: Sequence[str]) -> None:
    """`python -m lab.bench.report [RESULTS [DOCS]]`."""
    results = Path(arguments[0]) if arguments else results_folder(settings.home_folder() / "bench")
    docs = Path(arguments[1]) if len(arguments) > 1 else Path("docs")
    for path in write_report(results, docs):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
