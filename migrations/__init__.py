"""The database's schema, step by step (Alembic)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def _config(engine: Engine | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """The schema is the newest, or that of the revision; does nothing when it is so already.

    A step that was interrupted goes on where it was.
    """
    command.upgrade(_config(engine), revision)


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema that this code was written for."""
    head = ScriptDirectory.from_config(_config(engine)).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def revisions() -> list[str]:
    """All steps that this code knows, newest first; asks no database."""
    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]


def revise(engine: Engine, message: str) -> None:
    """Writes a new step: what the tables in `schema.py` have and the database has not."""
    command.revision(_config(engine), message, autogenerate=True)
