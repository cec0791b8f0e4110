"""Single codes."""

import json

import click

from cli.start import brand_id_of, ready
from core.db import make_engine, make_sessions


@click.group()
def code() -> None:
    """Single codes."""


@code.command("inspect")
@click.argument("text")
@click.option("--brand", "brand_code", default=None, help="Only if it is this brand's.")
def code_inspect(text: str, brand_code: str | None) -> None:
    """Tell everything that is known about a serial or URL."""
    from codegen.keys import KeyRing
    from core.regions.tree import RegionTree
    from scanapp.office.dossier import as_json, dossier

    ready_settings = ready()
    engine = make_engine(ready_settings.database_url)
    sessions = make_sessions(engine)
    keys = KeyRing(sessions, ready_settings.key_encryption_key)
    with sessions() as session:
        brand_id = brand_id_of(session, brand_code) if brand_code else None
        found = dossier(session, keys, RegionTree.from_session(session), text, brand_id)
        click.echo(json.dumps(as_json(found), ensure_ascii=False, indent=2, default=str))
    engine.dispose()
