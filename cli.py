"""`yima`: everything that is done from a terminal."""

import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy.orm import Session, sessionmaker

from core import embedded, logs, settings
from core.db import make_engine, make_sessions
from core.errors import BadInput, YimaError
from core.settings import Settings


class Group(click.Group):
    """Says what is wrong in a sentence, and ends with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except YimaError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Yima: one signed code for every single item."""
    logs.configure()


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
    return settings.from_environ()


@contextlib.contextmanager
def transaction(ready_settings: Settings) -> Iterator[Session]:
    """A session that commits when the block succeeds."""
    engine = make_engine(ready_settings.database_url)
    try:
        with make_sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


@main.command()
def migrate() -> None:
    """Bring the database up to date: tables, regions, partitions."""
    from lab.install import install

    install(ready().database_url)
    click.echo("The database is up to date.")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Web processes.")
@click.option("--threads", default=64, show_default=True, help="Requests at a time, a process.")
@click.option(
    "--farewell-seconds",
    default=2.0,
    show_default=True,
    help="From SIGTERM, when /readyz begins to say no, to the closed port.",
)
@click.option(
    "--pin/--no-pin",
    default=True,
    show_default=True,
    help="Keep each process to a CPU, if there are enough for all CPUs.",
)
def web(
    host: str, port: int, workers: int, threads: int, farewell_seconds: float, pin: bool
) -> None:
    """Serve the pages and the API."""
    ready()
    check_port(host, port)
    folder = settings.home_folder() / f"web-{port}"
    shutil.rmtree(folder, ignore_errors=True)  # what the processes before these had counted
    (folder / "metrics").mkdir(parents=True)
    # The processes add up what they count in files of this folder; read when they import.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "metrics")
    from scanapp.serving.server import serve

    serve(host, port, workers, threads, farewell_seconds, pin)


def check_port(host: str, port: int) -> None:
    """Raises `BadInput` when something else listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                reason=f"{host}:{port} can't be used: {error.strerror}. "
                "Choose another with --port, or end what listens there."
            ) from error


@main.command()
@click.option("--processes", default=1, show_default=True)
@click.option("--burst", is_flag=True, help="End when nothing waits.")
def worker(processes: int, burst: bool) -> None:
    """Answer bells: credit claims, record traces, find diversion."""
    from worker.run import run_worker

    run_worker(ready(), burst=burst, processes=processes)


@main.command()
def cron() -> None:
    """Ring for what was left over, make partitions, tidy up."""
    from worker.run import run_cron

    run_cron(ready())


@main.command()
@click.option("--once", is_flag=True, help="Stop everything when the story is told.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, last line.")
@click.option("--port", type=int, default=None, help="Default: 8000, or any that is free.")
def demo(once: bool, as_json: bool, port: int | None) -> None:
    """Play a market day on servers of its own, and check it."""
    from lab.demo.story import play

    home = settings.home_folder() / "demo"
    sys.exit(play(home, once=once, as_json=as_json, port=port))


@main.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def bench(names: tuple[str, ...], as_json: bool) -> None:
    """Measure NAMES, or all there is, beside references of the same run."""
    from lab.bench.run import NAMES, run_all, show

    all_met = True
    for result in run_all(names or NAMES, settings.home_folder() / "bench"):
        click.echo(json.dumps(result.as_json()) if as_json else show(result))
        all_met = all_met and result.met
    sys.exit(0 if all_met else 1)


@main.command()
@click.option("--minutes", default=20.0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def soak(minutes: float, as_json: bool) -> None:
    """Run a steady day, and look whether anything grows that should not."""
    from lab.soak.run import run, show

    result = run(settings.home_folder() / "bench", minutes)
    click.echo(json.dumps(result.as_json()) if as_json else show(result))
    sys.exit(0 if result.met else 1)


@main.command()
def status() -> None:
    """Show the embedded servers."""
    servers = embedded.status(settings.home_folder())
    for server in servers:
        state = f"running (pid {server.pid}, port {server.port})" if server.pid else "stopped"
        click.echo(f"{server.name}: {state}, data in {server.data}")
    if not servers:
        click.echo("There are no embedded servers here yet.")


@main.command()
def stop() -> None:
    """Stop the embedded servers."""
    ran = embedded.stop(settings.home_folder())
    click.echo("Stopped." if ran else "Nothing was running.")


@main.group()
def brand() -> None:
    """Brands of this installation."""


@brand.command("found")
@click.argument("code")
@click.option("--name-zh", required=True)
@click.option("--name-en", required=True)
@click.option("--admin", required=True, help="Login of the first administrator.")
@click.password_option("--password", help="The administrator's; asked for when not given.")
def brand_found(code: str, name_zh: str, name_en: str, admin: str, password: str) -> None:
    """Found the brand CODE with its first administrator."""
    from identity.brand import found_brand
    from identity.models import Role
    from identity.operator import add_operator

    with transaction(ready()) as session:
        founded = found_brand(session, code, name_zh, name_en)
        add_operator(session, founded.id, admin, admin, Role.BRAND_ADMIN, password)
    click.echo(f"{name_en} is founded; {admin} signs in at /console/.")


@main.group()
def operator() -> None:
    """People who sign in at console and portal."""


@operator.command("password")
@click.argument("login")
@click.password_option("--password", help="The new one; asked for when not given.")
def operator_password(login: str, password: str) -> None:
    """Give LOGIN a new password; all its sessions end."""
    from core.errors import NotFound
    from identity.operator import change_password, login_of
    from identity.queries import operator_by_login

    with transaction(ready()) as session:
        stored = login_of(login)
        found = operator_by_login(session, stored) if stored else None
        if found is None:
            raise NotFound(what="operator", name=login)
        change_password(session, found.brand_id, found.id, password)
    click.echo(f"{login} has a new password and must sign in again.")


@main.group()
def key() -> None:
    """Signing keys of a brand's codes."""


def _brand_id(session: Session, code: str) -> int:
    from core.errors import NotFound
    from identity.queries import brand_by_code

    found = brand_by_code(session, code)
    if found is None:
        raise NotFound(what="brand", name=code)
    return found.id


@key.command("list")
@click.argument("brand_code")
def key_list(brand_code: str) -> None:
    """List the brand's keys, newest first."""
    from codegen.queries import signing_keys

    with transaction(ready()) as session:
        for found in signing_keys(session, _brand_id(session, brand_code)):
            state = "revoked" if found.revoked_at else "retired" if found.retired_at else "issues"
            click.echo(f"{found.key_id}  {state}  {found.created_at:%Y-%m-%d}  {found.next_number}")


@key.command("rotate")
@click.argument("brand_code")
def key_rotate(brand_code: str) -> None:
    """Give the brand a new key; codes of the old ones stay good."""
    from codegen import keys

    ready_settings = ready()
    with transaction(ready_settings) as session:
        brand_id = _brand_id(session, brand_code)
        made = keys.rotate(session, brand_id, ready_settings.key_encryption_key)
        click.echo(f"New orders use key {made.key_id}.")


@key.command("revoke")
@click.argument("brand_code")
@click.argument("key_id", type=int)
@click.confirmation_option(prompt="Every code of this key becomes void for ever. Go on?")
def key_revoke(brand_code: str, key_id: int) -> None:
    """Void every code of a key whose secret leaked."""
    from codegen import keys

    with transaction(ready()) as session:
        keys.revoke(session, _brand_id(session, brand_code), key_id)
    click.echo(f"Key {key_id} opens nothing any more. Reissue with a new order.")


@main.group()
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
    sessions: sessionmaker[Session] = make_sessions(engine)
    keys = KeyRing(sessions, ready_settings.key_encryption_key)
    with sessions() as session:
        brand_id = _brand_id(session, brand_code) if brand_code else None
        found = dossier(session, keys, RegionTree.from_session(session), text, brand_id)
        click.echo(json.dumps(as_json(found), ensure_ascii=False, indent=2, default=str))
    engine.dispose()


@main.group()
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


if __name__ == "__main__":
    main()
