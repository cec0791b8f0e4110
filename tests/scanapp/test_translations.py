"""Every text that a reader may see is there in Chinese."""

import io
import re
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
ROOMS = (
    "core",
    "identity",
    "codegen",
    "ledger",
    "members",
    "traceability",
    "antifraud",
    "rewards",
    "scanapp",
)
CATALOGUE = ROOT / "scanapp/translations/zh/LC_MESSAGES/messages.po"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "N_": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
GAP = re.compile(r"%\((\w+)\)")


def first(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


def catalogue() -> dict[tuple[str | None, str], Message]:
    with CATALOGUE.open("rb") as file:
        return {(m.context, first(m.id)): m for m in read_po(file, locale="zh") if m.id}


def used_texts() -> set[tuple[str | None, str]]:
    found = set()
    for room in ROOMS:
        for _, _, text, _, context in extract_from_dir(ROOT / room, METHODS, keywords=KEYWORDS):
            found.add((context, first(text)))
    return found - {(None, "")}


def test_every_text_is_translated() -> None:
    used = used_texts()
    assert len(used) > 500
    assert sorted(used - catalogue().keys(), key=str) == []


def test_translations_have_the_gaps_of_their_originals() -> None:
    for message in catalogue().values():
        texts = [message.id] if isinstance(message.id, str) else list(message.id)
        told = message.string if isinstance(message.string, str) else message.string[0]
        assert set(GAP.findall(told)) == set(GAP.findall(" ".join(texts))), message.id


def test_the_compiled_catalogue_is_that_of_the_texts() -> None:
    compiled = io.BytesIO()
    with CATALOGUE.open("rb") as file:
        write_mo(compiled, read_po(file, locale="zh"))
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue(), "run: make messages"
