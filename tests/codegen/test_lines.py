from hypothesis import example, given
from hypothesis import strategies as st

from codegen import link, package, serial
from codegen.package import CodeList

KEYS = serial.derive(0xC0DE5, bytes(range(32)))
PREFIX = link.prefix("yima.exampl", "06901234567892")
LO = 1000
STARTS = st.one_of(*[st.integers(10**n - 30, 10**n + 30) for n in range(2, 9)], st.integers(1, 99))


def one_by_one(form: package.TextForm, first: int, last: int) -> str:
    """What a printing house's own program would write, a line after the other."""
    lines = ["number,serial,url\r\n"] if form == "csv" else []
    for number in range(first, last + 1):
        sealed = serial.seal(KEYS, LO + number - 1)
        numbered = f"{number},{sealed}," if form == "csv" else ""
        lines.append(f"{numbered}{PREFIX}{sealed}\r\n")
    return "".join(lines)


@given(st.sampled_from(["csv", "txt"]), STARTS, st.integers(0, 60))
@example("csv", 1, 120)
@example("txt", 1, 120)
def test_any_stretch_reads_as_if_written_line_by_line(
    form: package.TextForm, first: int, more: int
) -> None:
    codes = CodeList(KEYS, LO, LO + 200_000_000, PREFIX)
    written = b"".join(package.text(codes, form, first, first + more))
    assert written.decode("ascii") == one_by_one(form, first, first + more)


def test_lines_of_many_pieces_follow_each_other() -> None:
    codes = CodeList(KEYS, LO, LO + 110_000, PREFIX)
    written = b"".join(package.text(codes)).decode("ascii")
    assert written == one_by_one("csv", 1, 110_000)
