"""The house stands: imports run downward, names say something, tables and migrations agree."""

import os
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

import schema

ROOT = Path(__file__).parent.parent
LOWER_ROOMS = ("core", "identity", "codegen", "members", "traceability", "antifraud", "rewards")
ROOMS = (*LOWER_ROOMS, "scanapp", "worker", "lab")
SAYING_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "service", "manager"}


def test_imports_run_downward_only() -> None:
    linter = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as l; l()"]
    done = subprocess.run(
        [*linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_is_named_after_what_it_does() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(files) > 50
    assert not [path for path in files if path.stem in SAYING_NOTHING]


def test_migrations_make_the_tables_of_the_models(engine: Engine) -> None:
    def is_ours(_object: object, name: str | None, kind: str, reflected: bool, _other: object):
        return not (kind == "table" and reflected and (name or "").startswith("scan_"))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        assert compare_metadata(context, schema.metadata) == []
