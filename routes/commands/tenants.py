"""The operator's `flask tenants`: the settings of each tenant, and tokens for trying out."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import click
from flask import current_app
from flask.cli import AppGroup

from routes.commands.results import (
    EXIT_CODES,
    Refused,
    Result,
    format_table,
    print_result,
    refuse_memory,
    refuse_off,
)
from services.contexts import Contexts, Tenants
from services.contexts.tenants import LONGEST, TenantSettings
from services.errors import AuthenticationNotConfigured
from services.sessions.migration.worker import Worker
from services.tokens import MAX_TENANT_ID, Identity, Tokens, is_name

group = AppGroup(
    "tenants",
    help=f"""How long the contexts of each tenant live, and when orphans are cleaned up.

Run this in the project's folder, with gunicorn's environment. The service follows within five
seconds.

{EXIT_CODES}""",
)

HEADINGS = ("tenant", "ttl", "orphan after", "cleanup every")


def _get_tenants() -> Tenants:
    room = cast(Worker, current_app.extensions["migration"]).room
    refuse_memory(room.engine.name)
    refuse_off(room)
    return cast(Contexts, current_app.extensions["contexts"]).tenants


def _get_tokens() -> Tokens:
    return cast(Tokens, current_app.extensions["tokens"])


def _add_seconds(option: str, help_text: str) -> Callable[[Any], Any]:
    return click.option(option, type=click.IntRange(1, LONGEST), metavar="SECONDS", help=help_text)


@group.command("set")
@click.argument("name")
@_add_seconds("--ttl", "How long a context lives after its last use.")
@_add_seconds("--orphan-after", "How long a context must be unused before it is cleaned up.")
@_add_seconds("--cleanup-every", "How often that is done.")
@print_result(_get_tenants)
def set_tenant(tenants: Tenants, *, name: str, **options: int | None) -> Result:
    """Change settings of a tenant; those that are not named stay as they are."""
    settings = {option: value for option, value in options.items() if value is not None}
    if not settings:
        raise click.UsageError("Name --ttl, --orphan-after or --cleanup-every.")
    if not is_name(name, MAX_TENANT_ID):
        rule = f"A tenant's name has 1 to {MAX_TENANT_ID} characters"
        raise click.UsageError(f"{rule}, none of them a control character.")
    return _build_result([(name, tenants.change(name, **settings))])


@group.command("show")
@click.argument("name")
@print_result(_get_tenants)
def show_tenant(tenants: Tenants, *, name: str) -> Result:
    """Show the settings of a tenant."""
    for known, settings in tenants.list_all():
        if known == name:
            return _build_result([(known, settings)])
    raise Refused(
        f"there is no tenant {name!r} yet, so the defaults apply",
        hint="`flask tenants list` names the tenants there are",
    )


@group.command("list")
@print_result(_get_tenants)
def list_tenants(tenants: Tenants) -> Result:
    """List every tenant that has stored a context or has settings of its own."""
    found = tenants.list_all()
    return _build_result(found) if found else Result("There are no tenants yet.", {"tenants": []})


@group.command("token")
@click.argument("name")
@click.option("--user", required=True, help="The user whose token it is.")
@click.option(
    "--for",
    "seconds",
    type=click.IntRange(1, 86_400),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long it is valid.",
)
@print_result(_get_tokens)
def issue_token(tokens: Tokens, *, name: str, user: str, seconds: int) -> Result:
    """Print a bearer token for a tenant's user, for trying out."""
    try:
        token = tokens.issue(Identity(name, user), seconds=seconds)
    except AuthenticationNotConfigured:
        raise Refused(
            "no AUTH_SECRET is set, and tokens can be issued with a secret only",
            hint="Set AUTH_SECRET to the service's own value, or ask whoever has the key",
        ) from None
    except ValueError as error:
        raise Refused(str(error), hint="Use another name") from None
    return Result(token, {"token": token})


def _build_result(found: list[tuple[str, TenantSettings]]) -> Result:
    rows = [
        (name, str(one.ttl), str(one.orphan_after), str(one.cleanup_every)) for name, one in found
    ]
    data = [{"tenant": name, **asdict(settings)} for name, settings in found]
    return Result(format_table([HEADINGS, *rows]), {"tenants": data})
