"""The operator's `flask site publish`: hand nginx what it needs of this release."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from routes.commands.results import EXIT_CODES, Refused, Result, print_result
from routes.static_files import get_static_files
from services.site_files import publish_site

group = AppGroup("site", help=f"Prepare what nginx serves.\n\n{EXIT_CODES}")


@group.command("publish")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@print_result(lambda: current_app.config)
def publish(settings: dict[str, object], *, folder: Path) -> Result:
    """Write the pages' files, and the settings that nginx shares, into FOLDER.

    Run it for every release before it is served, and when EMBED_ORIGINS, SESSION_MAX_BYTES or
    MAX_REQUEST_BYTES have changed; then reload nginx.
    """
    try:
        file_hash = publish_site(
            folder,
            get_static_files().folder,
            origins=settings["EMBED_ORIGINS"],  # type: ignore[arg-type] # put there by app.py
            longest_body=settings["LONGEST_BODY"],  # type: ignore[arg-type] # as above
        )
    except OSError as error:
        raise Refused(
            f"{error.filename or folder} cannot be written: {error.strerror}",
            hint="Name a folder that this user may write",
        ) from error
    text = f"The files of release {file_hash} are in {folder}; reload nginx if settings changed."
    return Result(text, {"hash": file_hash})
