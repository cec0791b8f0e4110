from pathlib import Path

import pytest

from lab.bench.report import filled, read_results, write_report
from lab.bench.result import Result, judged
from lab.bench.run import keep

PROSE = """# Performance

What it is about.

## `scan`

Said by a person, and to stay.
"""


def scans(median: float) -> Result:
    return judged(
        "scan",
        {
            "scans_per_second": {"median": median, "min": median - 9, "max": median + 9},
            "bare_requests_per_second": {"median": 9000.0, "min": 8900.0, "max": 9100.0},
            "open_loop_p99_ms": 120.5,
        },
        {"bare": median / 9000},
        {"bare": (">=", 0.25), "open_loop_p99_ms": ("<", 100.0)},
        {"client": "wrk"},
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "performance.md").write_text(PROSE)
    return folder


def test_tables_are_replaced_and_prose_stays(results: Path, docs: Path) -> None:
    document = docs / "performance.md"
    keep(scans(1227), results)
    write_report(results, docs)
    first = document.read_text()
    document.write_text(first.replace("and to stay.", "and to stay.\n\nSaid later."))
    keep(scans(4321), results)
    write_report(results, docs)
    second = document.read_text()
    for said in ("What it is about.", "Said by a person, and to stay.", "Said later."):
        assert second.count(said) == 1
    assert "| scans per second | 1,227 | 1,218 | 1,236 |" in first
    assert "| scans per second | 4,321 | 4,312 | 4,330 |" in second
    assert "1,227" not in second


def test_the_same_results_give_the_same_bytes(results: Path, docs: Path) -> None:
    keep(scans(1227), results)
    write_report(results, docs)
    before = contents(docs)
    write_report(results, docs)
    assert contents(docs) == before
    assert {Path(name).name for name in before} == {
        "performance.md",
        "overview.svg",
        "scan.svg",
    }


def test_it_says_what_was_asked_and_whether_it_was_reached(results: Path, docs: Path) -> None:
    keep(scans(4500), results)
    write_report(results, docs)
    document = (docs / "performance.md").read_text()
    assert "| ratio to `bare` | 0.5 | at least 0.25 | reached |" in document
    assert "| open loop p99 ms | 120 | under 100 | **missed** |" in document
    assert "Not all that was asked is reached." in document
    assert "PostgreSQL 18" in document or "PostgreSQL 15" in document


def test_places_are_made_where_a_reader_looks_for_them(results: Path, docs: Path) -> None:
    keep(scans(1227), results)
    keep(judged("lookup", {"p95_ms": 0.2}, {}, {}), results)
    write_report(results, docs)
    document = (docs / "performance.md").read_text()
    marks = [
        "What it is about.",
        "begin overview",
        "end overview",
        "## `scan`",
        "begin scan",
        "end scan",
        "Said by a person",
        "## `lookup`",
        "begin lookup",
        "end lookup",
    ]
    assert sorted(marks, key=document.index) == marks
    assert all(document.count(mark) == 1 for mark in marks)


def test_a_place_that_lost_its_end_is_refused_before_it_swallows_prose(
    results: Path, docs: Path
) -> None:
    keep(scans(1227), results)
    broken = PROSE + "<!-- measured: begin scan -->\n\nMore prose.\n"
    (docs / "performance.md").write_text(broken)
    with pytest.raises(ValueError, match="begin scan"):
        write_report(results, docs)
    assert (docs / "performance.md").read_text() == broken


def test_curves_are_drawn_and_listed(results: Path, docs: Path) -> None:
    spread = {"median": 900.0, "min": 800.0, "max": 950.0}
    figures = {
        "p95_ms_by_codes": [[1_000_000, 0.21], [1_000_000_000, 0.3]],
        "tables": [
            {"rows": 1000, "scans_per_second": spread, "errors": 0},
            {"rows": 1_000_000, "scans_per_second": 700.0, "errors": 1},
        ],
    }
    keep(judged("growth", figures, {}, {}), results)
    write_report(results, docs)
    document = (docs / "performance.md").read_text()
    assert "| codes | p95 ms |" in document
    assert "| 1,000,000,000 | 0.3 |" in document
    assert "| rows | scans per second | errors |" in document
    assert "| 1,000 | 900 (800 to 950) | 0 |" in document
    assert (docs / "performance" / "growth.svg").read_text().count('<g id="axes_') == 3


def test_figures_by_name_are_bars_and_rows(results: Path, docs: Path) -> None:
    figures = {"p95_us": {"1000_ranges": 90, "1000000_ranges": 120, "bare": 60}}
    keep(judged("lookup", figures, {}, {}), results)
    write_report(results, docs)
    assert "| p95 µs: 1,000,000 ranges | 120 |" in (docs / "performance.md").read_text()
    assert (docs / "performance" / "lookup.svg").exists()


def test_samples_of_a_soak_become_curves_over_time(results: Path, docs: Path) -> None:
    samples = [
        {"t_seconds": t, "rss_mb": 300 + t / 100, "connections": 20, "p95_ms": 30.0}
        for t in range(0, 1200, 60)
    ]
    bounds = {"failed": ("<=", 0.0), "web_mb_per_hour": ("<=", 20.0)}
    figures = {"failed": 0, "web_mb_per_hour": 31.5, "samples": samples}
    keep(judged("soak", figures, {}, bounds), results)
    write_report(results, docs)
    document = (docs / "performance.md").read_text()
    assert "| failed | 0 | at most 0 | reached |" in document
    assert "| web MB per hour | 31.5 | at most 20 | **missed** |" in document
    assert "measured: begin overview" not in document
    assert "| rss MB | 300 | 300 | 306 | 311 | 311 |" in document
    assert (docs / "performance" / "soak.svg").exists()


def test_results_are_read_in_the_order_of_the_benchmarks(results: Path) -> None:
    for name in ("growth", "scan", "another"):
        keep(judged(name, {}, {}, {}), results)
    kept = read_results(results)
    assert [measured.result.name for measured in kept] == ["scan", "growth", "another"]
    assert all(measured.machine["cores"] for measured in kept)


def test_an_empty_document_gets_all_sections() -> None:
    document = filled("# Performance\n", {"overview": "O", "scan": "S"})
    assert filled(document, {"overview": "O", "scan": "S"}) == document
    assert document.index("begin overview") < document.index("## `scan`")
