"""The house stands: imports run downward, names say something, tables and migrations agree."""

import os
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, ForeignKeyConstraint, UniqueConstraint

import schema

ROOT = Path(__file__).parent.parent
LOWER_ROOMS = (
    "core",
    "identity",
    "codegen",
    "ledger",
    "members",
    "traceability",
    "antifraud",
    "rewards",
)
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


# What is the installation's, and why it is no brand's.
INSTALLATION = {
    "brand": "the brands themselves",
    "region": "places are everybody's",
    "global_name": "leads from a login, key prefix or signing key to its brand",
    "sign_in_failures": "guesses are counted before it is known who guesses",
    "forged_attempts": "a forged code is no brand's",
    "report": "a consumer's word about a code that may be no brand's",
    "intake_batch": "a batch of scans of any brands",
    "outbox": "worked off across brands, oldest first",
}


def test_every_table_is_a_brands_or_the_installations() -> None:
    names = set(schema.metadata.tables)
    assert set(INSTALLATION) <= names
    for table in schema.metadata.tables.values():
        is_brands = table.name not in INSTALLATION
        first = next(iter(table.primary_key.columns)).name
        assert (first == "brand_id") == is_brands, f"{table.name} is neither"


def test_keys_of_a_brands_data_begin_with_the_brand() -> None:
    for table in schema.metadata.tables.values():
        if table.name in INSTALLATION:
            continue
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint):
                assert next(iter(constraint.columns)).name == "brand_id", table.name
            if isinstance(constraint, ForeignKeyConstraint):
                to_a_brands = constraint.referred_table.name not in INSTALLATION
                pairs = [(e.parent.name, e.column.name) for e in constraint.elements]
                assert not to_a_brands or pairs[0] == ("brand_id", "brand_id"), pairs
        assert not [index for index in table.indexes if index.unique], table.name
