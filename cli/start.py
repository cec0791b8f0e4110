"""What commands begin with: the settings, and a transaction of their own."""

import contextlib
import os
from collections.abc import Iterator

from sqlalchemy.orm import Session

from core import embedded, settings
from core.db import check_direct, make_engine, make_sessions
from core.errors import NotFound
from core.settings import Settings
from identity.models import Brand
from identity.queries import brand_by_code


def ready() -> Settings:
    """The settings; without servers of the operator's own, the embedded ones run from now on."""
    if settings.is_embedded():
        home = settings.home_folder()
        addresses = embedded.start(home)
        os.environ.setdefault("YIMA_DATABASE_URL", addresses.database_url)
        os.environ.setdefault("YIMA_REDIS_URL", addresses.redis_url)
        os.environ.setdefault("YIMA_COOKIE_SECURE", "0")
        for name, value in settings.own_secrets(home).items():
            os.environ.setdefault(name, value)
    found = settings.from_environ()
    check_direct(found.database_url)
    return found


@contextlib.contextmanager
def transaction(ready_settings: Settings) -> Iterator[Session]:
    """A session that commits when the block succeeds."""
    engine = make_engine(ready_settings.database_url)
    try:
        with make_sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


def brand_called(session: Session, code: str) -> Brand:
    """The brand of this code; raises `NotFound`."""
    found = brand_by_code(session, code)
    if found is None:
        raise NotFound(what="brand", name=code)
    return found


def brand_id_of(session: Session, code: str) -> int:
    """The id of the brand called `code`; raises `NotFound`."""
    return brand_called(session, code).id
