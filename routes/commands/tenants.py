"""The operator's `flask tenants`: what is set for each tenant, and tokens for trying out."""

from collections.abc import Callable
from typing import Any, cast

import click
from flask import current_app
from flask.cli import AppGroup

from routes.commands.results import (
    EXIT_CODES,
    Answer,
    Refused,
    answering_with,
    refuse_memory,
    refuse_off,
    table,
)
from services.contexts import Contexts, Tenants
from services.contexts.tenants import LONGEST, TenantSettings
from services.errors import AuthenticationNotConfigured
from services.sessions.migration.worker import Worker
from services.tokens import MAX_TENANT_ID, Identity, Tokens, is_name

group = AppGroup(
    "tenants",
    help=f"""How long the contexts of each tenant live, and when orphans are cleaned up.

Run this in the project's folder, with the environment gunicorn has. The service follows within
five seconds.

{EXIT_CODES}""",
)

HEADINGS = ("tenant", "ttl", "orphan after", "cleanup every")


def _tenants() -> Tenants:
    room = cast(Worker, current_app.extensions["migration"]).room
    refuse_memory(room.engine.name)
    refuse_off(room)
    return cast(Contexts, current_app.extensions["contexts"]).tenants


def _tokens() -> Tokens:
    return cast(Tokens, current_app.extensions["tokens"])


def _seconds(option: str, help_text: str) -> Callable[[Any], Any]:
    return click.option(option, type=click.IntRange(1, LONGEST), metavar="SECONDS", help=help_text)


@group.command("set")
@click.argument("name")
@_seconds("--ttl", "How long a context lives after its last use.")
@_seconds("--orphan-after", "How long nobody must have used a context before it is cleaned up.")
@_seconds("--cleanup-every", "How often that is done.")
@answering_with(_tenants)
def set_tenant(tenants: Tenants, *, name: str, **options: int | None) -> Answer:
    """Set something for a tenant; what is not named stays as it is."""
    wanted = {option: value for option, value in options.items() if value is not None}
    if not wanted:
        raise click.UsageError("Name --ttl, --orphan-after or --cleanup-every.")
    if not is_name(name, MAX_TENANT_ID):
        said = f"A tenant's name has 1 to {MAX_TENANT_ID} characters"
        raise click.UsageError(f"{said}, none of them a control character.")
    return _shown([(name, tenants.change(name, **wanted))])


@group.command("show")
@click.argument("name")
@answering_with(_tenants)
def show_tenant(tenants: Tenants, *, name: str) -> Answer:
    """Show what is set for a tenant."""
    for known, settings in tenants.all():
        if known == name:
            return _shown([(known, settings)])
    raise Refused(
        f"there is no tenant {name!r} yet, so the usual is set",
        hint="`flask tenants list` names those there are",
    )


@group.command("list")
@answering_with(_tenants)
def list_tenants(tenants: Tenants) -> Answer:
    """List every tenant that has stored a context, or has something set."""
    found = tenants.all()
    return _shown(found) if found else Answer("There are no tenants yet.", {"tenants": []})


@group.command("token")
@click.argument("name")
@click.option("--user", required=True, help="Whose token it is to be.")
@click.option(
    "--for",
    "seconds",
    type=click.IntRange(1, 86_400),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long it is good.",
)
@answering_with(_tokens)
def issue_token(tokens: Tokens, *, name: str, user: str, seconds: int) -> Answer:
    """Print a bearer token for a tenant's user, for trying out."""
    try:
        token = tokens.issue(Identity(name, user), seconds=seconds)
    except AuthenticationNotConfigured:
        raise Refused(
            "no AUTH_SECRET is set, and tokens are issued with a secret only",
            hint="Set AUTH_SECRET as the service has it, or ask whoever has the key",
        ) from None
    except ValueError as error:
        raise Refused(str(error), hint="Use another name") from None
    return Answer(token, {"token": token})


def _shown(found: list[tuple[str, TenantSettings]]) -> Answer:
    rows = [
        (name, str(one.ttl), str(one.orphan_after), str(one.cleanup_every)) for name, one in found
    ]
    data = [
        {
            "tenant": name,
            "ttl": one.ttl,
            "orphan_after": one.orphan_after,
            "cleanup_every": one.cleanup_every,
            "cleaned_at": one.cleaned_at,
        }
        for name, one in found
    ]
    return Answer(table([HEADINGS, *rows]), {"tenants": data})
