"""Stylesheets, scripts and pictures: compressed, and under names that change with their content.

A browser keeps what it got under such a name for a year and asks for it no more. Served before
admission, so that also the page of a refusal has its looks.
"""

import fcntl
import hashlib
import os
import re
import shutil
import weakref
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

_FINGERPRINT = re.compile(r"\.[0-9a-f]{12}(?=\.[a-z]+$)")
_LEFT_OUT = {".md"}


class _Kept(WhiteNoise):
    FOREVER = 365 * 24 * 3600


def register(app: Flask) -> None:
    """`url_for('static', …)` names fingerprinted files, which are answered without the app.

    They are written at the start into a folder of the process' own: the package may be read-only.
    """
    names = _names(Path(str(app.static_folder)))
    folder = TemporaryDirectory(prefix="yima-static-", ignore_cleanup_errors=True)
    app.extensions["static"] = folder  # lives as long as the app
    _keep_from_tidying(folder)
    compressor = Compressor(quiet=True)
    for plain, printed in names.items():
        copy = Path(folder.name, printed)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(str(app.static_folder), plain), copy)  # with its time, for its ETag
        compressor.compress(str(copy))
    app.wsgi_app = _Kept(  # type: ignore[method-assign]
        app.wsgi_app,
        folder.name,
        str(app.static_url_path),
        allow_all_origins=False,
        immutable_file_test=_FINGERPRINT.pattern,
    )

    @app.url_defaults
    def fingerprinted(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = names.get(values["filename"], values["filename"])


def plain_name(name: str) -> str:
    """The file's name without its fingerprint.

    While a release is rolled out, pages of one process name files that another doesn't have in that
    version: it answers with its own, which nobody keeps.
    """
    return _FINGERPRINT.sub("", name)


def _names(folder: Path) -> dict[str, str]:
    """The fingerprinted name of each file by its plain one, both relative to the folder."""
    found = {}
    for path in sorted(folder.rglob("*.*")):
        if path.is_file() and path.suffix not in _LEFT_OUT:
            plain = path.relative_to(folder)
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            found[plain.as_posix()] = plain.with_suffix(f".{content}{path.suffix}").as_posix()
    return found


def _keep_from_tidying(folder: TemporaryDirectory[str]) -> None:
    """systemd-tmpfiles leaves a locked folder alone; it would remove files unread for ten days."""
    opened = os.open(folder.name, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(opened, fcntl.LOCK_SH)
    weakref.finalize(folder, os.close, opened)
