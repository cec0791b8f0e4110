"""The decisions are numbered without gaps, and their index names each."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "docs/decisions"
ROW = re.compile(r"^\| (\d+) \| \[(.+)\]\((.+\.md)\) \|$", re.M)


def test_the_index_lists_every_decision_by_number_title_and_file():
    files = sorted(FOLDER.glob("0*.md"))
    titles = [path.read_text(encoding="utf-8").splitlines()[0] for path in files]
    listed = ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert [(f"# {number}. {title}", name) for number, title, name in listed] == [
        (title, path.name) for title, path in zip(titles, files, strict=True)
    ]


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted(FOLDER.glob("0*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
