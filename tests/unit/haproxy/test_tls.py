"""The words of HAProxy about TLS."""

from __future__ import annotations

from sumun.config.plan import Address, CertificateFiles, ClientCertificates, Tls
from sumun.haproxy.tls import (
    MOST_CERTIFICATE_BYTES,
    REWRITE_BYTES,
    asks_for_certificates,
    binds,
    global_lines,
    tell_certificate,
)
from sumun.haproxy.whole_process import buffer_bytes

CERTIFICATES = (CertificateFiles("/gate.pem", "/gate.pem"),)
PLAIN = Tls(CERTIFICATES)
ASKING = Tls(CERTIFICATES, ClientCertificates("/ca.pem", required=False, listen=None))
ADDRESS = Address("127.0.0.1", 443)


def test_sessions_are_resumed_where_nothing_is_carried_over() -> None:
    """No session is kept as soon as one could take a certificate, or the lack of one, from one listener to another."""

    def forgets(**tls: Tls) -> bool:
        return "tune.ssl.cachesize 0" in global_lines(tls)

    assert not forgets(public=ASKING)
    assert not forgets(public=PLAIN, operator=PLAIN)
    assert forgets(public=PLAIN, internal=ASKING)
    assert forgets(public=PLAIN, operator=ASKING)
    assert forgets(public=ASKING, internal=ASKING)


def test_who_is_believed() -> None:
    """Without authorities nobody's word counts: HAProxy's verdict is not told, for it is about a file that has to be there."""
    nobody = Tls(CERTIFICATES, ClientCertificates("", required=False, listen=None))
    (said,) = tell_certificate({"public": nobody})
    assert "ssl_c_verify" not in said
    assert "%[ssl_c_verify];" in tell_certificate({"public": ASKING})[0]
    assert tell_certificate({"public": PLAIN}) == []


def test_who_has_to_have_one() -> None:
    """`required` forgives nothing; else any certificate gets through the handshake, and none is named as wanted."""
    must = Tls(CERTIFICATES, ClientCertificates("/ca.pem", required=True, listen=None))
    (line,) = binds("internal", ADDRESS, must)
    assert "verify required" in line
    assert "ignore-err" not in line
    (line,) = binds("public", ADDRESS, ASKING)
    assert "verify optional crt-ignore-err all ca-ignore-err all" in line
    assert "no-ca-names" in line


def test_an_address_of_their_own() -> None:
    """Where certificates have an address of their own, nobody is asked for one at the other."""
    own = ClientCertificates("/ca.pem", required=False, listen=Address("::", 8443))
    first, second = binds("public", ADDRESS, Tls(CERTIFICATES, own))
    assert "verify" not in first
    assert second.startswith("bind '[::]:8443' ssl ")
    assert "verify optional" in second


def test_plain_listeners_pay_nothing() -> None:
    """No TLS, no line, no larger buffer."""
    assert global_lines({}) == []
    assert not asks_for_certificates({})
    assert binds("public", ADDRESS, None) == ["bind 127.0.0.1:443"]


def test_room_for_the_largest_certificate() -> None:
    """A buffer holds the longest head and, in base64, the largest certificate that is told."""
    assert buffer_bytes(16_384, 1024 + REWRITE_BYTES) >= 16_384 + MOST_CERTIFICATE_BYTES * 4 / 3
