"""The origins that clients know the gateway by."""

from __future__ import annotations

from sumun.config.origins import asked_for_certificates_at, own_origins, resource_metadata_url
from sumun.config.plan import Address, CertificateFiles, ClientCertificates, Tls


def tls(listen: Address | None) -> dict[str, Tls]:
    """A public listener that asks for certificates, there or at its own address."""
    clients = ClientCertificates("/ca.pem", required=False, listen=listen)
    return {"public": Tls((CertificateFiles("/gate.pem", "/gate.pem"),), clients)}


def test_where_certificates_are_asked_for() -> None:
    """Nowhere, at the issuer's origin, or at another port of its host; the port of https goes without saying."""
    for issuer, host in (("https://gate.example:8080", "gate.example"), ("https://[::1]", "[::1]")):
        assert asked_for_certificates_at(issuer, {}) == ""
        assert asked_for_certificates_at(issuer, tls(None)) == issuer
        assert asked_for_certificates_at(issuer, tls(Address("::", 8443))) == f"https://{host}:8443"
        assert asked_for_certificates_at(issuer, tls(Address("::", 443))) == f"https://{host}"


def test_own_origins() -> None:
    """A proof of possession may be made for the address where certificates are asked for (RFC 9449 4.3)."""
    found = own_origins("https://gate.example", tls(Address("::", 8443)), (), ("https://b.example",))
    assert found == ("https://gate.example", "https://gate.example:8443", "https://b.example")


def test_where_the_resource_metadata_is() -> None:
    """Under the route's host with the issuer's scheme and port, or under the issuer's origin, wherever its path leads."""
    issuer, path = "https://gate.example:8443/tenant", "/.well-known/oauth-protected-resource"
    assert resource_metadata_url(issuer, "") == f"https://gate.example:8443{path}"
    assert resource_metadata_url(issuer, "shop.example") == f"https://shop.example:8443{path}"
