"""Brands, their operators and their signing keys."""

import click

from cli.start import brand_called, brand_id_of, ready, transaction
from core.day import DEFAULT_ZONE, day_of


@click.group()
def brand() -> None:
    """Brands of this installation."""


@brand.command("found")
@click.argument("code")
@click.option("--name-zh", required=True)
@click.option("--name-en", required=True)
@click.option("--admin", required=True, help="Login of the first administrator.")
@click.option(
    "--time-zone",
    default=DEFAULT_ZONE,
    show_default=True,
    help="Where the brand's days begin and end; IANA's name.",
)
@click.password_option("--password", help="The administrator's; asked for when not given.")
def brand_found(
    code: str, name_zh: str, name_en: str, admin: str, time_zone: str, password: str
) -> None:
    """Found the brand CODE with its first administrator."""
    from identity.brand import found_brand
    from identity.models import Role
    from identity.operator import add_operator

    with transaction(ready()) as session:
        founded = found_brand(session, code, name_zh, name_en, time_zone)
        add_operator(session, founded.id, admin, admin, Role.BRAND_ADMIN, password)
    click.echo(f"{name_en} is founded; {admin} signs in at /console/.")


@brand.command("time-zone")
@click.argument("code")
@click.argument("name")
def brand_time_zone(code: str, name: str) -> None:
    """Let the days of the brand CODE begin and end by the time zone NAME."""
    from identity.brand import move_days

    with transaction(ready()) as session:
        move_days(session, brand_id_of(session, code), name)
    click.echo(f"The days of {code} are those of {name} from now on.")


@click.group()
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


@click.group()
def key() -> None:
    """Signing keys of a brand's codes."""


@key.command("list")
@click.argument("brand_code")
def key_list(brand_code: str) -> None:
    """List the brand's keys, newest first."""
    from codegen.queries import signing_keys

    with transaction(ready()) as session:
        owner = brand_called(session, brand_code)
        for found in signing_keys(session, owner.id):
            state = "revoked" if found.revoked_at else "retired" if found.retired_at else "issues"
            made_on = day_of(found.created_at, owner.time_zone)
            click.echo(f"{found.key_id}  {state}  {made_on}  {found.next_number}")


@key.command("rotate")
@click.argument("brand_code")
def key_rotate(brand_code: str) -> None:
    """Give the brand a new key; codes of the old ones stay good."""
    from codegen import keys

    ready_settings = ready()
    with transaction(ready_settings) as session:
        brand_id = brand_id_of(session, brand_code)
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
        keys.revoke(session, brand_id_of(session, brand_code), key_id)
    click.echo(f"Key {key_id} opens nothing any more. Reissue with a new order.")
