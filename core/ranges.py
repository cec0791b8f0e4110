"""Disjoint half-open ranges that carry a value: painting over them keeps them disjoint."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers `[lo, hi)` and what is true of all of them."""

    lo: int
    hi: int
    value: Any


@dataclass(frozen=True, slots=True)
class Painted:
    """What to change in a table of disjoint ranges: rows to delete by `lo`, rows to insert."""

    delete: list[int]
    insert: list[Span]


def paint(existing: Sequence[Span], news: Sequence[Span]) -> Painted:
    """The change that puts `news` over `existing`: leftovers stay, equal neighbours merge.

    `existing` holds disjoint spans (those that overlap or touch `news` suffice); `news` are
    disjoint among themselves. Spans that would come out as they were are not touched.
    """
    ordered = sorted(news, key=_by_lo)
    ends = [new.hi for new in ordered]  # disjoint spans end in the order in which they begin
    pieces = list(ordered)
    for old in existing:
        lo = old.lo
        for index in range(bisect_right(ends, old.lo), len(ordered)):
            new = ordered[index]
            if new.lo >= old.hi:
                break
            if lo < new.lo:
                pieces.append(Span(lo, new.lo, old.value))
            lo = max(lo, new.hi)
        if lo < old.hi:
            pieces.append(Span(lo, old.hi, old.value))
    merged = set(merge(pieces))
    before = set(existing)
    return Painted(
        delete=sorted(span.lo for span in before - merged),
        insert=sorted(merged - before, key=_by_lo),
    )


def merge(spans: Iterable[Span]) -> list[Span]:
    """The spans sorted by `lo`, those that touch and carry equal values made one."""
    merged: list[Span] = []
    for span in sorted(spans, key=_by_lo):
        if merged and merged[-1].hi == span.lo and merged[-1].value == span.value:
            merged[-1] = Span(merged[-1].lo, span.hi, span.value)
        else:
            merged.append(span)
    return merged


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The numbers as the fewest half-open ranges, sorted; doubles count once."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found


def _by_lo(span: Span) -> int:
    return span.lo
