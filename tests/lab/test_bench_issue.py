from pathlib import Path

import pytest

from codegen import link, package, serial
from codegen.package import CodeList
from lab.bench import issue
from tests.codegen.test_package import unzip

CODES = CodeList(
    serial.derive(0xC0DE5, bytes(range(32))), 7, 7 + 2500, link.prefix("yima.test", None)
)


@pytest.mark.filterwarnings("ignore:PBKDF2 without:DeprecationWarning")
def test_the_references_write_the_very_lines_of_the_package(tmp_path: Path) -> None:
    lines = b"".join(package.text(CODES))
    issue.scalar(tmp_path, CODES)
    assert (tmp_path / issue.FILE_NAME).read_bytes() == lines
    issue.scalar_encrypted(tmp_path, CODES)
    assert unzip(tmp_path / "codes.zip", issue.PASSWORD) == {issue.FILE_NAME: lines}
