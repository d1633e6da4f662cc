"""The release of this project: its version, which stands here alone, and the commit if known."""

import subprocess
from pathlib import Path

VERSION = "0.1.0"
"""Of the interface and of the project alike; pyproject.toml takes it from here."""
_GIT_SECONDS = 5.0


def describe_release(commit: str, root: Path) -> str:
    """The version, with the commit where there is one, such as `0.1.0+4f2c1ab`.

    Args:
        commit: the commit that an image was built from; empty to look for a git checkout.
        root: the folder that may be one.
    """
    commit = commit or _read_commit(root)
    return f"{VERSION}+{commit}" if commit else VERSION


def _read_commit(root: Path) -> str:
    """The commit that is checked out; empty without a checkout or without git."""
    # Without this test git would describe a repository that merely contains the folder.
    if not (root / ".git").exists():
        return ""
    # It may run as another user than the checkout's owner, where git could not write anyway.
    options = ("--no-optional-locks", "-C", str(root))
    command = ["git", *options, "describe", "--always", "--dirty", "--exclude=*"]
    try:
        output = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            command, capture_output=True, check=True, text=True, timeout=_GIT_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return output.strip()
