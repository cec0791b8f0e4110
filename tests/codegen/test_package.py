import csv
import hashlib
import hmac
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import zxingcpp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from PIL import Image

from codegen import link, package, serial
from codegen.errors import NumbersOutOfRange, TooManyAtOnce, UnportablePassword, WeakPassword
from codegen.package import CodeList
from codegen.reading import ItemCode, read

# WinZip's format prescribes this derivation; the packages' own passwords have 100 random bits.
pytestmark = pytest.mark.filterwarnings("ignore:PBKDF2 without:DeprecationWarning")

KEYS = serial.derive(0xC0DE5, bytes(range(32)))
PREFIX = link.prefix("yima.exampl", "06901234567892")
PASSWORD = "correct horse battery"
ABOUT = {"order": "A-1", "brand": "绿茶"}


def codes(count: int, lo: int = 1000) -> CodeList:
    return CodeList(KEYS, lo, lo + count, PREFIX)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unzip(path: Path, password: str) -> dict[str, bytes]:
    """The members of a ZIP encrypted by WinZip's AE-2 (AES-256), each proven by its HMAC.

    Written from WinZip's "AES Encryption Information", apart from the library that encrypts.
    """
    data = path.read_bytes()
    members = {}
    for info in zipfile.ZipFile(path).infolist():
        assert info.flag_bits & 1, "not encrypted"
        assert info.compress_type == 99, "not AES"
        name_length, extra_length = struct.unpack_from("<HH", data, info.header_offset + 26)
        start = info.header_offset + 30 + name_length + extra_length
        salt, body = data[start : start + 16], data[start + 16 : start + info.compress_size]
        keys = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 1000, 66)
        if keys[64:] != body[:2]:
            raise ValueError("wrong password")
        encrypted, tag = body[2:-10], body[-10:]
        assert hmac.digest(keys[32:64], encrypted, "sha1")[:10] == tag
        blocks = np.zeros((len(encrypted) // 16 + 1, 2), "<u8")
        blocks[:, 0] = np.arange(1, len(blocks) + 1)  # counts upward from its first byte
        aes = Cipher(algorithms.AES(keys[:32]), modes.ECB()).encryptor()
        keystream = np.frombuffer(aes.update(blocks.tobytes()), np.uint8)[: len(encrypted)]
        plain = (np.frombuffer(encrypted, np.uint8) ^ keystream).tobytes()
        members[info.filename] = zlib.decompress(plain, wbits=-15)
    return members


def images_in(path: Path, password: str) -> dict[str, bytes]:
    """The images of the ordinary ZIP that is inside an encrypted one."""
    [inner] = unzip(path, password).values()
    with zipfile.ZipFile(io.BytesIO(inner)) as images:
        assert images.testzip() is None
        return {name: images.read(name) for name in images.namelist()}


def seven_zip() -> str:
    """7-Zip's path under any of its names."""
    found = [path for name in ("7zz", "7z", "7za") if (path := shutil.which(name))]
    if not found:
        pytest.skip("7-Zip is missing: install 7zip")
    return found[0]


def test_a_csv_lists_number_serial_and_url(tmp_path: Path) -> None:
    package.write_package(tmp_path, codes(3), ABOUT)
    lines = (tmp_path / "codes-00001.csv").read_bytes().decode("ascii")
    assert lines.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [row["number"] for row in rows] == ["1", "2", "3"]
    assert [serial.unseal(KEYS, row["serial"]) for row in rows] == [1000, 1001, 1002]
    assert [row["url"] for row in rows] == [PREFIX + row["serial"] for row in rows]


def test_a_txt_has_the_urls_alone() -> None:
    lines = b"".join(package.text(codes(3), "txt")).decode("ascii").split("\r\n")
    assert [serial.unseal(KEYS, cast(ItemCode, read(line)).serial) for line in lines[:-1]] == [
        1000,
        1001,
        1002,
    ]
    assert lines[-1] == ""


def test_a_part_of_a_list_keeps_its_numbers() -> None:
    whole = b"".join(package.text(codes(100_000))).splitlines()
    part = b"".join(package.text(codes(100_000), first=40_000, last=90_000)).splitlines()
    assert part[1:] == whole[40_000:90_001]


def test_files_end_where_the_next_begin_and_the_manifest_proves_them(tmp_path: Path) -> None:
    manifest = package.write_package(tmp_path, codes(25), ABOUT, "txt", lines_per_file=10)
    assert json.loads((tmp_path / "manifest.json").read_bytes()) == manifest
    assert manifest["count"] == 25
    assert manifest["about"] == ABOUT
    assert [(file["first"], file["last"]) for file in manifest["files"]] == [
        (1, 10),
        (11, 20),
        (21, 25),
    ]
    written = b""
    for file in manifest["files"]:
        content = (tmp_path / file["name"]).read_bytes()
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        written += content
    assert written == b"".join(package.text(codes(25), "txt"))


def test_the_secret_is_not_in_the_package(tmp_path: Path) -> None:
    package.write_package(tmp_path, codes(3), ABOUT)
    written = b"".join(contents(tmp_path).values())
    for secret in (KEYS.mac, KEYS.enc, bytes(range(32))):
        assert secret not in written
        assert secret.hex().encode() not in written.lower()


def test_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    package.write_package(tmp_path, codes(25), ABOUT, lines_per_file=10)
    before = contents(tmp_path)
    package.write_package(tmp_path, codes(25), ABOUT, lines_per_file=10)
    assert contents(tmp_path) == before


def test_a_smaller_package_leaves_nothing_of_the_larger_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the printing house's own")
    package.write_package(tmp_path, codes(25), ABOUT, lines_per_file=10)
    package.write_package(tmp_path, codes(5), ABOUT, lines_per_file=10)
    assert sorted(contents(tmp_path)) == ["codes-00001.csv", "manifest.json", "notes.txt"]


def test_only_the_owner_can_read_the_codes(tmp_path: Path) -> None:
    package.write_package(tmp_path / "plain", codes(3), ABOUT)
    package.write_zip(tmp_path / "codes.zip", codes(3), ABOUT, PASSWORD)
    for path in (*(tmp_path / "plain").iterdir(), tmp_path / "codes.zip"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_writing_leaves_the_package_as_it_was(tmp_path: Path) -> None:
    package.write_package(tmp_path, codes(5), ABOUT)
    before = contents(tmp_path)
    off_paper = CodeList(KEYS, 0, 5, "https://一码/")  # can't be written as ASCII
    with pytest.raises(UnicodeEncodeError):
        package.write_package(tmp_path, off_paper, ABOUT)
    with pytest.raises(TypeError):
        package.write_package(tmp_path, codes(9), {"order": object()})
    assert contents(tmp_path) == before


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "codes.zip"
    path.write_bytes(b"before")

    def write_half() -> None:
        with package.replacing(path) as out:
            out.write(b"half")
            out.flush()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert contents(tmp_path) == {"codes.zip": b"before"}


def test_the_password_opens_the_zip_and_the_content_is_the_plain_package(tmp_path: Path) -> None:
    plain = package.write_package(tmp_path / "plain", codes(25), ABOUT, lines_per_file=10)
    zipped = package.write_zip(
        tmp_path / "codes.zip", codes(25), ABOUT, PASSWORD, lines_per_file=10
    )
    assert zipped == {**plain, "opens_with": package.OPENS_WITH}
    members = unzip(tmp_path / "codes.zip", PASSWORD)
    assert json.loads(members.pop("manifest.json")) == zipped
    expected = contents(tmp_path / "plain")
    del expected["manifest.json"]
    assert members == expected


def test_a_zip_written_again_differs_and_has_the_same_content(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        package.write_zip(tmp_path / name, codes(5), ABOUT, PASSWORD)
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    assert one.read_bytes() != two.read_bytes()
    assert unzip(one, PASSWORD) == unzip(two, PASSWORD)


def test_another_password_opens_nothing(tmp_path: Path) -> None:
    package.write_zip(tmp_path / "codes.zip", codes(5), ABOUT, PASSWORD)
    with pytest.raises(ValueError, match="wrong password"):
        unzip(tmp_path / "codes.zip", PASSWORD + "!")
    assert serial.seal(KEYS, 1000).encode() not in (tmp_path / "codes.zip").read_bytes()


def test_a_short_password_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(WeakPassword, match="12"):
        package.write_zip(tmp_path / "codes.zip", codes(5), ABOUT, "short")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "password",
    [
        "兰亭酒业密码兰亭酒业密码",
        "１２３４５６７８９０１２",
        "Señor-2026-£££",
        "twelve\x00letters",
        "tab\tseparated",
        "a" * 100,
        "no-break\u00a0space",
        "\ud800 lone surrogate",
    ],
    ids=ascii,
)
def test_a_password_that_programs_read_differently_is_refused(
    tmp_path: Path, password: str
) -> None:
    with pytest.raises(UnportablePassword):
        package.write_zip(tmp_path / "codes.zip", codes(5), ABOUT, password)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "password",
    [PASSWORD, " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ", "x" * 99, package.new_password()],
    ids=["words", "signs", "longest", "new"],
)
def test_7_zip_opens_what_the_password_closed(tmp_path: Path, password: str) -> None:
    package.write_zip(tmp_path / "codes.zip", codes(5), ABOUT, password)
    command = [seven_zip(), "x", f"-p{password}", f"-o{tmp_path}", str(tmp_path / "codes.zip")]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert (tmp_path / "codes-00001.csv").read_bytes() == b"".join(package.text(codes(5)))


def test_new_passwords_are_strong_enough_and_never_the_same() -> None:
    passwords = {package.new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert min(map(len, passwords)) >= package.PASSWORD_CHARACTERS_MIN


@pytest.mark.parametrize("form", ["svg", "png"])
def test_a_zip_of_images_has_one_for_each_code(tmp_path: Path, form: package.ImageForm) -> None:
    assert package.write_images(tmp_path / "images.zip", codes(10), PASSWORD, form, scale=4) == 10
    members = images_in(tmp_path / "images.zip", PASSWORD)
    assert sorted(members) == [f"{number:02d}.{form}" for number in range(1, 11)]
    if form == "png":
        read = zxingcpp.read_barcode(Image.open(io.BytesIO(members["03.png"])).convert("L"))
        assert read is not None
        assert read.text == PREFIX + serial.seal(KEYS, 1002)
    else:
        assert b"<svg" in members["03.svg"]


def test_the_number_of_images_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(TooManyAtOnce, match="20000 images"):
        package.write_images(tmp_path / "images.zip", codes(20_001), PASSWORD)
    assert contents(tmp_path) == {}


def test_numbers_a_key_does_not_have_make_no_list() -> None:
    with pytest.raises(NumbersOutOfRange):
        CodeList(KEYS, 0, 2**32 + 1, PREFIX)


def test_memory_does_not_grow_with_the_package(tmp_path: Path) -> None:
    tracemalloc.start()
    package.write_zip(tmp_path / "codes.zip", codes(200_000), ABOUT, PASSWORD)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    plain_bytes = 200_000 * 90
    assert peak_bytes < plain_bytes
    assert os.path.getsize(tmp_path / "codes.zip") < plain_bytes / 3
