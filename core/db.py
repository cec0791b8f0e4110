"""The shared table registry, engine and sessions. Plain SQLAlchemy: no web framework here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    DateTime,
    Engine,
    ForeignKeyConstraint,
    MetaData,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from core.settings import BadSetting

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

CONNECT_TIMEOUT_SECONDS = 3
STATEMENT_TIMEOUT_SECONDS = 60
GONE_SECONDS = 10  # a machine that acknowledges nothing for so long is taken for gone
CHECK_INTERVAL = "2s"  # at which a busy session looks whether its client is still there
_READ_ONLY = "25006"  # read_only_sql_transaction (PostgreSQL's Appendix A)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {int: BigInteger, datetime: DateTime(timezone=True)}


def of_brand(column: str, target: str) -> ForeignKeyConstraint:
    """The foreign key of a column on another table of brands' data, within the brand.

    `target` is `table.column`. With the brand in it, no row can point at another brand's.
    """
    table, _, key = target.partition(".")
    return ForeignKeyConstraint(
        ["brand_id", column], [f"{table}.brand_id", f"{table}.{key}"], name=f"fk_{column}_{table}"
    )


def engine_options(
    statement_timeout_seconds: int = STATEMENT_TIMEOUT_SECONDS,
    server_settings: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Options for `create_engine` that every process uses; `more` wins. No time-out: 0 s.

    `server_settings` are PostgreSQL's, for all sessions of the engine; names and values are ours
    and hold no blanks.
    """
    idle_seconds = statement_timeout_seconds + 6 if statement_timeout_seconds else 0
    arguments = {
        # Connections live in pools of threads: a dead server must be noticed, not waited for.
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        # What was sent to a machine that vanished is repeated for a quarter of an hour by default.
        "tcp_user_timeout": GONE_SECONDS * 1000,
        "options": (
            f"-c statement_timeout={statement_timeout_seconds}s -c timezone=UTC"
            # The locks of a process that died are free soon, not when its statement ends.
            f" -c client_connection_check_interval={CHECK_INTERVAL}"
            f" -c idle_in_transaction_session_timeout={idle_seconds}s"
            + "".join(f" -c {name}={value}" for name, value in (server_settings or {}).items())
        ),
    }
    return {"pool_pre_ping": True, "pool_timeout": 5, "connect_args": arguments, **more}


def make_engine(database_url: str, **options: Any) -> Engine:
    """An engine on `database_url` (`postgresql+psycopg://…`), with `engine_options`."""
    return create_engine(database_url, **engine_options(**options))


def check_direct(database_url: str) -> None:
    """Nothing, if sessions get the settings that they ask for, or if no database answers.

    Raises `BadSetting` behind a pooler such as PgBouncer, which refuses or forgets them: without
    them a statement or an abandoned transaction holds its locks for ever.
    """
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection:
            kept = connection.scalar(text("SHOW client_connection_check_interval"))
    except OperationalError as error:
        if "unsupported startup parameter" not in str(error.orig):
            return  # it is away: whoever needs it says so
        kept = None
    finally:
        engine.dispose()
    if kept != CHECK_INTERVAL:
        raise BadSetting(
            name="YIMA_DATABASE_URL",
            problem="leads to a connection pooler (PgBouncer?) that withholds the settings of our "
            "sessions. Name PostgreSQL itself: every process keeps a pool of its own.",
        )


@event.listens_for(Engine, "handle_error")
def _give_up_readers(context: ExceptionContext) -> None:
    """A session that may not write belongs to a primary that was demoted, and so do its pool's.

    They would answer pings for ever. New ones go to whatever the address leads to by now.
    """
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """A factory of sessions whose objects stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


def run(session: Session, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement in the session's transaction, past SQLAlchemy: `%(name)s` for values.

    For the few statements that run with every batch of scans: SQLAlchemy's share of them is larger
    than the driver's. Errors are SQLAlchemy's all the same, and a lost connection is given up.
    """
    session.flush()
    connection = session.connection()
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, values)
        # Not `description`: that makes an object a column to say how many there are.
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
        return list(cursor.fetchall()) if has_rows else []
    except psycopg.Error as error:
        is_lost = connection.dialect.is_disconnect(error, connection.connection, cursor)  # type: ignore[arg-type]
        if error.sqlstate == _READ_ONLY:
            is_lost = True
            connection.engine.dispose()  # see `_give_up_readers`
        if is_lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=connection.dialect,
        ) from error
    finally:
        cursor.close()
