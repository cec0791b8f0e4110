"""`issue`: codes a second from an order to its files on disk, and what one large order takes."""

import multiprocessing
import resource
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker
from stream_zip import ZIP_64, stream_zip

from codegen.order import OrderRequest, place
from codegen.package import CodeList, replacing, write_package, write_zip
from codegen.printing import code_list
from codegen.product import register
from codegen.serial import seal
from core import clock
from core.db import make_engine, make_sessions
from core.settings import Settings
from identity.brand import found_brand
from lab.bench import ground
from lab.bench.result import Result, in_turns, judged, median_ratio, spread

QUANTITY = 1_000_000
SCALAR_QUANTITY = 50_000
LARGE_QUANTITY = 20_000_000
WARM_UP_QUANTITY = 5_000
PASSWORD = "correct horse battery"  # of files that are deleted at once
FILE_NAME = "codes-00001.csv"
_MIB = 1 << 20

Writer = Callable[[Path, CodeList], object]


@dataclass(frozen=True)
class Desk:
    """Where orders are placed; can be handed to another process."""

    settings: Settings
    brand_id: int
    product_id: int

    def order(self, sessions: sessionmaker[Session], quantity: int) -> CodeList:
        """The codes of an order that is placed and committed now."""
        kek = self.settings.key_encryption_key
        request = OrderRequest(
            f"bench-{time.monotonic_ns()}", quantity, "yima.test", product_id=self.product_id
        )
        with sessions.begin() as session:
            return code_list(session, place(session, self.brand_id, request, kek), kek)


@dataclass(frozen=True)
class Large:
    """What one large order took."""

    seconds: float
    files_mib: float
    peak_mib: float


def run(home: Path) -> Result:
    """Package and encrypted ZIP in turns with codes sealed one by one; a large order by itself."""
    with ground.ground(home) as base:
        desk = _desk(base)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            large = alone.submit(issue_large, desk, home).result()
        measured = _measured(base, desk)
        _check_identical(home, desk.order(base.sessions, SCALAR_QUANTITY))
    rates = {name: spread(values) for name, values in measured.items()}
    return judged(
        "issue",
        {
            "codes_per_second": rates["plain"],
            "scalar_codes_per_second": rates["scalar"],
            "encrypted_codes_per_second": rates["encrypted"],
            "scalar_encrypted_codes_per_second": rates["scalar_encrypted"],
            "large_order_codes": LARGE_QUANTITY,
            "large_order_seconds": round(large.seconds, 1),
            "large_order_files_mib": round(large.files_mib),
            "large_order_peak_mib": round(large.peak_mib),
        },
        {
            "scalar": median_ratio(measured["plain"], measured["scalar"]),
            "scalar_encrypted": median_ratio(measured["encrypted"], measured["scalar_encrypted"]),
        },
        {"scalar": (">=", 5.0), "large_order_peak_mib": ("<", 400)},
        {"codes": QUANTITY, "scalar_codes": SCALAR_QUANTITY, "codes_compared": SCALAR_QUANTITY},
    )


def _measured(base: ground.Ground, desk: Desk) -> dict[str, list[float]]:
    """Codes a second of each way to write an order, its placing included."""

    def rate(write: Writer, quantity: int) -> float:
        with tempfile.TemporaryDirectory(dir=base.home) as folder:
            begin = time.perf_counter()
            write(Path(folder), desk.order(base.sessions, quantity))
            return quantity / (time.perf_counter() - begin)

    for write in (plain, scalar, encrypted, scalar_encrypted):
        rate(write, WARM_UP_QUANTITY)
    return in_turns(
        {
            "plain": lambda: rate(plain, QUANTITY),
            "scalar": lambda: rate(scalar, SCALAR_QUANTITY),
            "encrypted": lambda: rate(encrypted, QUANTITY),
            "scalar_encrypted": lambda: rate(scalar_encrypted, SCALAR_QUANTITY),
        }
    )


def issue_large(desk: Desk, home: Path) -> Large:
    """Places and writes the large order; the peak is that of the whole process it runs in."""
    engine = make_engine(desk.settings.database_url)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        begin = time.perf_counter()
        plain(Path(folder), desk.order(make_sessions(engine), LARGE_QUANTITY))
        seconds = time.perf_counter() - begin
        files_bytes = sum(file.stat().st_size for file in Path(folder).iterdir())
    engine.dispose()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
    return Large(seconds, files_bytes / _MIB, peak_kib / 1024)


def plain(folder: Path, codes: CodeList) -> None:
    """The code package in `folder`."""
    write_package(folder, codes, {})


def encrypted(folder: Path, codes: CodeList) -> None:
    """The code package as an encrypted ZIP."""
    write_zip(folder / "codes.zip", codes, {}, PASSWORD)


def scalar(folder: Path, codes: CodeList) -> None:
    """The package's file of codes, sealed and written one by one; no manifest, in its favour."""
    with replacing(folder / FILE_NAME) as out:
        out.writelines(_scalar_lines(codes))


def scalar_encrypted(folder: Path, codes: CodeList) -> None:
    """The same lines in the same kind of ZIP."""
    member = (FILE_NAME, clock.now(), 0o100600, ZIP_64, _joined(_scalar_lines(codes)))
    with replacing(folder / "codes.zip") as out:
        out.writelines(
            stream_zip(
                [member],
                get_compressobj=lambda: zlib.compressobj(1, wbits=-zlib.MAX_WBITS),
                password=PASSWORD,
            )
        )


def _scalar_lines(codes: CodeList) -> Iterator[bytes]:
    yield b"number,serial,url\r\n"
    for number in range(1, codes.count + 1):
        serial = seal(codes.keys, codes.lo_number + number - 1)
        yield f"{number},{serial},{codes.url_prefix}{serial}\r\n".encode()


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines by the thousand: the ZIP's work for each piece must not slow the reference."""
    while piece := b"".join(islice(lines, 1000)):
        yield piece


def _check_identical(home: Path, codes: CodeList) -> None:
    with tempfile.TemporaryDirectory(dir=home) as one, tempfile.TemporaryDirectory(dir=home) as two:
        plain(Path(one), codes)
        scalar(Path(two), codes)
        if Path(one, FILE_NAME).read_bytes() != Path(two, FILE_NAME).read_bytes():
            raise RuntimeError("codes issued at once differ from codes issued one by one")


def _desk(base: ground.Ground) -> Desk:
    with base.sessions.begin() as session:
        brand = found_brand(session, "issuer", "品牌", "Brand")
        product = register(session, brand.id, "6901234567892", "青梅酒", "Plum wine")
        return Desk(base.settings, brand.id, product.id)
