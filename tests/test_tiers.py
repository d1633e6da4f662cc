"""The tiers of the suite: what the fast one may not start, and that it is refused."""

import subprocess
from collections.abc import Callable

import pytest
from playwright._impl._driver import compute_driver_executable

from tests.support.nginx import Nginx
from tests.support.servers import Gunicorn, Server


@pytest.mark.parametrize("server", [Gunicorn, lambda: Nginx(1)], ids=["gunicorn", "nginx"])
def test_a_fast_test_starts_no_server(server: Callable[[], Server]) -> None:
    """It is refused before there is a process, and told why."""
    with pytest.raises(RuntimeError, match=r"starts (gunicorn|nginx)"), server():
        pass


def test_a_fast_test_starts_no_browser() -> None:
    """Not even Playwright's driver, which would start it."""
    with pytest.raises(RuntimeError, match="starts node"):
        subprocess.run(compute_driver_executable(), check=False)


@pytest.mark.parametrize("line", ["chromium --version", "exec gunicorn wsgi:app", "make up"])
def test_nor_does_it_by_way_of_a_shell(line: str) -> None:
    """Whatever the line does first."""
    with pytest.raises(RuntimeError, match=r"is outside tests/{browser,deployment} and starts"):
        subprocess.run(["sh", "-c", line], check=False)
