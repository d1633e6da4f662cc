"""Redis URLs: whatever is wrong with one is said in a sentence, before anything connects."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.sessions.stores import StoreUrlError, open_store


@pytest.mark.parametrize(
    "url",
    [
        *("redis://", "redis:///0", "redis://:6379", "redis://127.0.0.1:6379/0", "redis://[::1]/3"),
        *("redis://user:p%2Fw%23@db.example/1?client_name=chat", "rediss://db.example"),
        *("unix:///run/redis.sock?db=2", "unix://:pw@/run/redis.sock", "redis://h/1?db=1"),
        *("rediss://h?ssl_cert_reqs=none", "rediss://h?ssl_check_hostname=false"),
        *(
            "rediss://h?ssl_min_version=772",
            "rediss://h?ssl_include_verify_flags=VERIFY_X509_STRICT",
        ),
    ],
)
def test_what_is_right_is_opened(url: str) -> None:
    """Nothing is connected for it."""
    open_store(url).close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis://h?family=0", "cannot set family"),
        ("redis://h?protocol=3", "cannot set protocol"),
        ("redis://h?socket_timeout=5", "cannot set socket_timeout"),
        ("redis://h?max_connections=5", "cannot set max_connections"),
        ("redis://h?decode_responses=1", "cannot set decode_responses"),
        ("redis://h?connection_class=x", "cannot set connection_class"),
        ("redis://h?host=other", "cannot set host"),
        ("redis://h?se%0Acret=1", "cannot set an option"),
        ("redis://h?db=", "db has to be"),
        ("redis://h?db=x", "db has to be"),
        ("redis://h?db=-1", "db has to be"),
        ("redis://h?db=1&db=2", "db is there twice"),
        ("redis://h/1?db=2", "two databases"),
        ("redis://h/abc", "the database, a number"),
        ("redis://h/0/1", "the database, a number"),
        ("redis://:12/secret@h", "the database, a number"),
        ("redis://h?client_name=a%20b", "client_name has to be"),
        ("redis://h?socket_read_size=0", "socket_read_size has to be"),
        ("redis://h?ssl_cert_reqs=none", "needs rediss://"),
        ("unix:///run/x?ssl_ca_certs=/x", "needs rediss://"),
        ("rediss://h?ssl_cert_reqs=CERT_NONE", "none, optional or required"),
        ("rediss://h?ssl_check_hostname=perhaps", "true or false"),
        ("rediss://h?ssl_ca_certs=/secret", "a file that can be read"),
        ("rediss://h?ssl_ca_certs=/dev/null", "a file that can be read"),
        ("rediss://h?ssl_ca_certs=/etc/passwd", "TLS cannot be set up"),
        ("rediss://h?ssl_ca_path=/etc/passwd", "a folder that can be read"),
        ("rediss://h?ssl_ca_data=secret", "TLS cannot be set up"),
        ("rediss://h?ssl_certfile=/etc/passwd", "TLS cannot be set up"),
        ("rediss://h?ssl_keyfile=/etc/passwd", "needs ssl_certfile"),
        ("rediss://h?ssl_ciphers=SECRET", "TLS cannot be set up"),
        ("rediss://h?ssl_min_version=1", "771"),
        ("rediss://h?ssl_include_verify_flags=SECRET", "VERIFY_X509_STRICT"),
        ("redis://h:port", "Host or port"),
        ("redis://h:99999", "Host or port"),
        ("redis://h:0", "A port is"),
        ("redis://h:", "port is missing"),
        ("redis://[::1", "Host or port"),
        ("redis://:se/cret@h", "Host or port"),
        ("redis://:se#cret@h", "Host or port"),
        ("redis://h#secret", "has a #"),
        ("redis://a..b", "not a name or an address"),
        ("redis://a b", "not a name or an address"),
        (f"redis://{'a' * 70}", "not a name or an address"),
        ("redis://a%00b", "NUL"),
        ("redis://:%ff@h", "UTF-8"),
        ("redis://:\udcff@h", "Host or port"),
        ("unix://", "whole path"),
        ("unix://run/redis.sock", "whole path"),
        (f"unix:///{'a' * 120}", "at most 107 bytes"),
    ],
)
def test_what_is_wrong_is_named(url: str, reason: str) -> None:
    """In one line without the value, which may be a password."""
    with pytest.raises(StoreUrlError) as refused:
        open_store(url)
    text = str(refused.value)
    assert reason in text
    assert "\n" not in text
    assert "secret" not in text.lower()


def write_pair(folder: Path, password: str = "") -> tuple[Path, Path]:
    """A new certificate and its key, encrypted if there is a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now)
    folder.mkdir()
    certificate, private = folder / "cert.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        how = serialization.BestAvailableEncryption(password.encode())
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, how))
    return certificate, private


def test_files_for_tls_are_tried(tmp_path: Path) -> None:
    """A certificate with its key is taken; nobody is asked for a password at a terminal."""
    certificate, key = write_pair(tmp_path / "one")
    _, other = write_pair(tmp_path / "other")
    _, locked = write_pair(tmp_path / "locked", "right")
    url = f"rediss://h?ssl_certfile={certificate}&ssl_keyfile="
    open_store(f"{url}{key}&ssl_ca_certs={certificate}").close()
    for wrong, reason in (
        (other, "TLS cannot be set up"),
        (locked, "needs ssl_password"),
        (f"{locked}&ssl_password=wrong", "TLS cannot be set up"),
    ):
        with pytest.raises(StoreUrlError, match=reason):
            open_store(f"{url}{wrong}")
