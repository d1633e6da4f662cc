"""deploy/nginx.conf over TLS: modern protocols only, HTTP/2, and nobody stays without."""

import socket
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.host import Host
from tests.support.http import Http
from tests.support.nginx import Nginx
from tests.support.servers import program


@pytest.fixture(scope="module")
def nginx() -> Iterator[Nginx]:
    """An nginx with a certificate of its own, in front of a host that tells its name."""
    with Host() as host, Nginx(host.port, tls=True) as server:
        yield server


def test_it_serves_over_tls_and_says_that_it_stays_so(nginx: Nginx) -> None:
    """With a certificate that is checked."""
    with Http(nginx.url, trusted=nginx.folder / "tls" / "fullchain.pem") as http:
        answer = http.get("/develope")
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_it_speaks_http_2(nginx: Nginx) -> None:
    """As every browser asks it to."""
    certificate = str(nginx.folder / "tls" / "fullchain.pem")
    command = [program("curl"), "--silent", "--cacert", certificate, "--output", "/dev/null"]
    told = ["--write-out", "%{http_version} %{http_code}", f"{nginx.url}/develope"]
    done = subprocess.run([*command, *told], capture_output=True, text=True, check=True)
    assert done.stdout == "2 200"


def test_who_comes_without_tls_is_sent_there(nginx: Nginx) -> None:
    """To the same address; a promise to stay is not made over plain HTTP."""
    with Http(nginx.plain_url) as http:
        answer = http.get("/develope?a=b")
    assert answer.status == 301
    assert answer.headers["Location"] == f"{nginx.url}/develope?a=b"
    assert "Strict-Transport-Security" not in answer.headers


def test_what_proves_the_name_is_not_redirected(nginx: Nginx) -> None:
    """A certificate authority asks for it over plain HTTP."""
    with Http(nginx.plain_url) as http:
        assert http.get("/.well-known/acme-challenge/x").status == 404


def test_weak_ciphers_are_refused(nginx: Nginx) -> None:
    """TLS 1.2 is served, but not with a cipher that browsers have given up."""

    def connects(ciphers: str) -> bool:
        context = ssl.create_default_context(cafile=nginx.folder / "tls" / "fullchain.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        with socket.create_connection(("127.0.0.1", nginx.port), timeout=10) as plain:
            try:
                context.wrap_socket(plain, server_hostname="127.0.0.1").close()
            except ssl.SSLError:
                return False
        return True

    assert connects("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert not connects("ECDHE-ECDSA-AES128-SHA")
