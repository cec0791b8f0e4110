"""The code package for the printing house: files of codes, and a manifest to check them by.

The codes are derived again on every writing, so the same order always gives the same text. Of an
encrypted ZIP only the content repeats: its salts are random.
"""

import hashlib
import json
import os
import secrets
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from stream_zip import NO_COMPRESSION_32, ZIP_64, MemberFile, Method, stream_zip

from codegen import crockford, draw, lines
from codegen.errors import TooManyAtOnce, UnportablePassword, WeakPassword
from codegen.issue import check_range, serials
from codegen.serial import SubKeys
from core import clock

TextForm = Literal["csv", "txt"]
ImageForm = Literal["svg", "png"]

# With the header still within the 1,048,576 rows of a spreadsheet.
LINES_PER_FILE = 1_000_000
IMAGES_MAX = 20_000
PASSWORD_CHARACTERS_MIN = 12
PASSWORD_CHARACTERS_MAX = 99  # 7-Zip reads no longer one of an AES-encrypted ZIP
OPENS_WITH = (
    "7-Zip (Windows, Linux), Keka (macOS) or WinZip, which know AES-256; "
    "what Windows and macOS bring themselves does not."
)
MANIFEST_NAME = "manifest.json"

_ZIP_MODE = stat.S_IFREG | 0o600
_ZIP_PIECE_BYTES = 1 << 18
_ZIP_LEVEL = 1  # serials are random: level 9 takes ten times as long and saves 4 %


@dataclass(frozen=True)
class CodeList:
    """What is to be printed: the key's numbers `[lo_number, hi_number)` after a URL prefix.

    `url_prefix` comes from `link.prefix`. In files the codes are counted from 1. Raises
    NumbersOutOfRange.
    """

    keys: SubKeys
    lo_number: int
    hi_number: int
    url_prefix: str

    def __post_init__(self) -> None:
        check_range(self.lo_number, self.hi_number)

    @property
    def count(self) -> int:
        return self.hi_number - self.lo_number


@dataclass(frozen=True)
class File:
    """One file of a package, as its manifest lists it: codes `first` to `last`, counted from 1."""

    name: str
    first: int
    last: int
    bytes: int
    sha256: str


def text(
    codes: CodeList, form: TextForm = "csv", first: int = 1, last: int | None = None
) -> Iterator[bytes]:
    """The lines of codes `first` to `last` in pieces of some megabytes, one code a line.

    `csv` has number, serial and URL under a header; `txt` the URL alone. Lines end with CRLF.
    """
    prefix = codes.url_prefix.encode("ascii")
    is_csv = form == "csv"
    if is_csv:
        yield lines.CSV_HEADER
    offset = codes.lo_number - 1
    for start, stop in lines.equally_wide(first, codes.count if last is None else last):
        number = start
        for piece in serials(codes.keys, offset + start, offset + stop + 1):
            yield lines.csv(number, piece, prefix) if is_csv else lines.txt(piece, prefix)
            number += len(piece)


def write_package(
    folder: Path,
    codes: CodeList,
    about: Mapping[str, Any],
    form: TextForm = "csv",
    lines_per_file: int = LINES_PER_FILE,
) -> dict[str, Any]:
    """The manifest of the files now in `folder`; `about` (JSON) goes into it unchanged.

    All is written aside and then moved in, the manifest last: a failure leaves an earlier package
    as it was, and writing again gives the same bytes. Files are readable by their owner alone.
    """
    json.dumps(about)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as aside:
        files = []
        for name, first, last in _parts(codes, form, lines_per_file):
            pieces = _Measured(text(codes, form, first, last))
            with replacing(Path(aside, name)) as out:
                out.writelines(pieces)
            files.append(pieces.file(name, first, last))
        manifest = _manifest(codes, about, files)
        for file in files:
            os.replace(Path(aside, file.name), folder / file.name)
    with replacing(folder / MANIFEST_NAME) as out:
        out.write(_json(manifest))
    names = {file.name for file in files}
    for stray in folder.glob("codes-[0-9]*.*"):
        if stray.name not in names:
            stray.unlink()
    return manifest


def write_zip(
    path: Path,
    codes: CodeList,
    about: Mapping[str, Any],
    password: str,
    form: TextForm = "csv",
    lines_per_file: int = LINES_PER_FILE,
) -> dict[str, Any]:
    """The manifest inside the ZIP now at `path`: the same files as `write_package`, AES-256.

    Streams in constant memory. Raises WeakPassword and UnportablePassword.
    """
    manifest: dict[str, Any] = {}
    parts = _parts(codes, form, lines_per_file)
    with replacing(path) as out:
        out.writelines(_zipped(_packed(codes, about, form, parts, manifest), password))
    return manifest


def zip_pieces(
    codes: CodeList,
    about: Mapping[str, Any],
    password: str,
    first: int = 1,
    last: int | None = None,
    form: TextForm = "csv",
) -> Iterable[bytes]:
    """The bytes of `write_zip`'s file as they are made, for codes `first` to `last` only.

    Constant memory, for sending while it is written. Raises what
    `check_password` does at once.
    """
    parts = _parts(codes, form, LINES_PER_FILE, first, last)
    return _zipped(_packed(codes, about, form, parts, {}), password)


def write_images(
    path: Path, codes: CodeList, password: str, form: ImageForm = "svg", scale: int = 8
) -> int:
    """How many images the encrypted file now at `path` has, named by the code's number.

    An ordinary ZIP, by itself in one that is encrypted (AES-256). `scale` is a PNG's pixels a
    module. Raises TooManyAtOnce beyond 20,000, and what `check_password` does.
    """
    with replacing(path) as out:
        out.writelines(image_pieces(codes, password, form=form, scale=scale))
    return codes.count


def image_pieces(
    codes: CodeList,
    password: str,
    first: int = 1,
    last: int | None = None,
    form: ImageForm = "svg",
    scale: int = 8,
) -> Iterable[bytes]:
    """The bytes of `write_images`' file as they are made, for codes `first` to `last` only.

    Raises TooManyAtOnce, and what `check_password` does, at once.
    """
    last = codes.count if last is None else last
    if last - first + 1 > IMAGES_MAX:
        raise TooManyAtOnce(limit=IMAGES_MAX, what="images")
    wanted = replace(codes, lo_number=codes.lo_number + first - 1, hi_number=codes.lo_number + last)
    digits = len(str(last))

    def members() -> Iterator[tuple[str, Iterable[bytes]]]:
        all_serials = (s for piece in _serial_texts(wanted) for s in piece)
        for number, serial in enumerate(all_serials, first):
            url = codes.url_prefix + serial
            image = draw.bulk_png(url, scale) if form == "png" else draw.bulk_svg(url).encode()
            yield f"{number:0{digits}d}.{form}", [image]

    # Each encrypted member has a key of its own, whose derivation takes longer than drawing two
    # images: hence one member, an ordinary ZIP.
    images = _stream(members(), NO_COMPRESSION_32)
    return _zipped([(f"{form}-{first}-{last}.zip", images)], password)


def check_password(password: str) -> None:
    """Raises WeakPassword, or UnportablePassword for what isn't 12 to 99 printable ASCII.

    WinZip's specification says nothing of how other characters become bytes, and programs differ.
    """
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise WeakPassword(least=PASSWORD_CHARACTERS_MIN)
    is_plain = password.isascii() and password.isprintable()
    if not is_plain or len(password) > PASSWORD_CHARACTERS_MAX:
        raise UnportablePassword(most=PASSWORD_CHARACTERS_MAX)


def new_password() -> str:
    """A password of 100 random bits that is easy to read out."""
    return crockford.encode(secrets.randbits(crockford.LENGTH_BITS))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file, of its owner alone, that takes the place of `path` when the block succeeds.

    Until then, and when it fails, whoever opens `path` sees what was there before.
    """
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


class _Measured:
    """Pieces that are counted and digested as they pass by."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._bytes = 0
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._bytes += len(piece)
            self._digest.update(piece)
            yield piece

    def file(self, name: str, first: int, last: int) -> File:
        return File(name, first, last, self._bytes, self._digest.hexdigest())


def _parts(
    codes: CodeList, form: TextForm, lines_per_file: int, first: int = 1, last: int | None = None
) -> Iterator[tuple[str, int, int]]:
    last = codes.count if last is None else last
    starts = range(first, last + 1, lines_per_file)
    for index, start in enumerate(starts, 1):
        yield f"codes-{index:05d}.{form}", start, min(start + lines_per_file - 1, last)


def _packed(
    codes: CodeList,
    about: Mapping[str, Any],
    form: TextForm,
    parts: Iterable[tuple[str, int, int]],
    manifest: dict[str, Any],
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Names and bytes of a package's files, the manifest last; that is put into `manifest` too."""
    json.dumps(about)
    files: list[File] = []
    for name, first, last in parts:
        pieces = _Measured(text(codes, form, first, last))
        yield name, pieces
        files.append(pieces.file(name, first, last))
    manifest.update(_manifest(codes, about, files), opens_with=OPENS_WITH)
    yield MANIFEST_NAME, [_json(manifest)]


def _manifest(codes: CodeList, about: Mapping[str, Any], files: list[File]) -> dict[str, Any]:
    return {
        "about": dict(about),
        "count": sum(file.last - file.first + 1 for file in files),
        "files": [asdict(file) for file in files],
        "key_id": codes.keys.key_id,
        "url_prefix": codes.url_prefix,
    }


def _json(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def _serial_texts(codes: CodeList) -> Iterator[list[str]]:
    for piece in serials(codes.keys, codes.lo_number, codes.hi_number):
        yield piece.astype(str).tolist()


def _zipped(members: Iterable[tuple[str, Iterable[bytes]]], password: str) -> Iterable[bytes]:
    check_password(password)
    return _stream(members, ZIP_64, password)


def _stream(
    members: Iterable[tuple[str, Iterable[bytes]]], method: Method, password: str | None = None
) -> Iterable[bytes]:
    at = clock.now()
    entries: Iterator[MemberFile] = (
        (name, at, _ZIP_MODE, method, pieces) for name, pieces in members
    )
    return stream_zip(
        entries,
        chunk_size=_ZIP_PIECE_BYTES,
        get_compressobj=lambda: zlib.compressobj(_ZIP_LEVEL, wbits=-zlib.MAX_WBITS),
        password=password,
    )
