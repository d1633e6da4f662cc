"""The users of Redis in deploy/users.acl, as the tests give them to a server of their own."""

from tests.support.servers import ROOT

FILE = ROOT / "deploy" / "users.acl"
DEPLOYED = "teaser-chat"
"""The user that the application is in a deployment."""
PASSWORD = "a-password-of-the-tests"
PLACEHOLDER = "#REPLACE_WITH_THE_SHA256_OF_A_PASSWORD"


def read_rules(user: str) -> list[str]:
    """The rules of a user in the file, without the password."""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        keyword, name, *rules = line.split()
        if (keyword, name) == ("user", user):
            return [rule for rule in rules if rule != PLACEHOLDER]
    raise LookupError(f"{FILE} has no user {user}")


def list_commands(user: str) -> set[str]:
    """The commands that a user may give."""
    return {rule[1:] for rule in read_rules(user) if rule.startswith("+")}
