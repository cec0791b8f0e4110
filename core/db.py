"""The shared table registry, engine and sessions. Plain SQLAlchemy: no web framework here."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Engine, MetaData, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

CONNECT_TIMEOUT_SECONDS = 3
STATEMENT_TIMEOUT_SECONDS = 60
# Connections here live in pools of threads: a dead server must be noticed, not waited for.
_CONNECT_ARGS = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "options": (
        f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c timezone=UTC"
        # The locks of a process that died are free soon, not when its statement ends.
        " -c client_connection_check_interval=2s"
    ),
    "keepalives_idle": 30,
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {int: BigInteger, datetime: DateTime(timezone=True)}


def engine_options(**more: Any) -> dict[str, Any]:
    """Options for `create_engine` that every process uses; `more` wins."""
    return {"pool_pre_ping": True, "pool_timeout": 5, "connect_args": _CONNECT_ARGS, **more}


def make_engine(database_url: str, **more: Any) -> Engine:
    """An engine on `database_url` (`postgresql+psycopg://…`); nothing is opened yet."""
    return create_engine(database_url, **engine_options(**more))


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """A factory of sessions whose objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)
