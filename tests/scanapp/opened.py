"""Apps that come and go within a test: their threads must not outlive its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from core.settings import Settings
from scanapp.app import create_app
from scanapp.web.extensions import db


@contextmanager
def opened(settings: Settings, **more: Any) -> Iterator[Flask]:
    """`with opened(settings) as app:` makes the app, and closes it after the block."""
    app = create_app(settings, **more)
    try:
        yield app
    finally:
        app.extensions["process"].close()
        with app.app_context():
            db.engine.dispose()
