"""The tree of regions."""

from pathlib import Path

import click

from cli.start import ready, transaction


@click.group()
def regions() -> None:
    """The tree of regions."""


@regions.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def regions_import(file: Path) -> None:
    """Add the counties of a CSV FILE (columns code, name; optional name_en, lat, lon)."""
    from core.regions.load import import_counties

    with transaction(ready()) as session, file.open("rb") as source:
        loaded = import_counties(session, source)
    click.echo(
        f"{loaded.added} added, {loaded.updated} updated, {loaded.unchanged} unchanged, "
        f"{loaded.shipped} shipped with the software."
    )
    if loaded.repeated:
        lines = ", ".join(map(str, loaded.repeated[:20]))
        more = " …" if len(loaded.repeated) > 20 else ""
        click.echo(f"Said twice and counted once: line {lines}{more}.")


@regions.command("find")
@click.argument("name")
def regions_find(name: str) -> None:
    """List regions whose name holds NAME, with their codes."""
    from core.regions.shipped import shipped_places
    from core.regions.tree import RegionTree

    tree = RegionTree.shipped()
    for place in shipped_places():
        if name.lower() in f"{place.name_zh} {place.name_en or ''}".lower():
            click.echo(f"{place.code}  {tree.path_name(place.code, 'zh')}  {place.name_en or ''}")
