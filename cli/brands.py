"""Brands, their operators and their signing keys."""

import click

from cli.start import brand_id_of, ready, transaction


@click.group()
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
        for found in signing_keys(session, brand_id_of(session, brand_code)):
            state = "revoked" if found.revoked_at else "retired" if found.retired_at else "issues"
            click.echo(f"{found.key_id}  {state}  {found.created_at:%Y-%m-%d}  {found.next_number}")


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
