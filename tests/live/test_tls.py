"""TLS at the gate: who gets in, what is told to services, and certificates that are renewed under load."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.certificates import Certificate
from tests.live import http2
from tests.live.chromium import chromium
from tests.live.demo_node import call, whole_lines
from tests.live.node_under_test import until
from tests.live.tls_world import CONFIG, TlsCaller, TlsNode, call_on, show, tls_node, told

SHUT_OUT = (ssl.SSLError, ConnectionError)


@pytest.fixture(scope="module")
def node(haproxy: object) -> Iterator[TlsNode]:
    """A gateway whose public and internal listeners speak TLS."""
    with tls_node() as running:
        yield running


def served(caller: TlsCaller, name: str = "127.0.0.1") -> int:
    """The serial number of the certificate that a new connection to this name is shown."""
    with (
        socket.create_connection(("127.0.0.1", caller.port), timeout=60) as plain,
        caller.context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        shown = connection.getpeercert()
    assert shown is not None
    return int(str(shown["serialNumber"]), 16)


def test_services_learn_of_tls(node: TlsNode) -> None:
    """A service is told that its caller came by TLS, whatever the caller says; an answer tells browsers to stay there."""
    answer = node.caller().call("GET", "/open", X_Forwarded_Proto="gopher")
    assert told(answer)["x-forwarded-proto"] == "https"
    assert answer.headers["strict-transport-security"] == f"max-age={timedelta(days=180).total_seconds():.0f}"
    refused = node.caller().call("GET", "/items")
    assert refused.status == 401
    assert "strict-transport-security" in refused.headers


def test_several_certificates(node: TlsNode) -> None:
    """Who asks for another name is shown that one's certificate; it verifies for that name."""
    assert (
        served(node.caller(), "other.example") != served(node.caller()) == served(node.caller(), "localhost")
    )


def test_the_issuer(node: TlsNode) -> None:
    """What is published names https, and each address in it is the gateway's own."""
    published = node.caller().call("GET", "/.well-known/oauth-authorization-server").json
    assert published["issuer"] == node.issuer
    assert published["token_endpoint"] == f"{node.issuer}/oauth/token"


def test_http2(node: TlsNode) -> None:
    """Who offers HTTP/2 in the handshake gets it."""
    context = node.caller().context
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
        answer = http2.call_on(connection, http2.fields("GET", "/open"))
    assert answer.status == 200
    assert dict(json.loads(answer.body))["x-forwarded-proto"] == "https"


def test_in_a_real_browser(node: TlsNode) -> None:
    """Over TLS a person is sent to the login page and back, and the cookie is taken; the first visit may be without TLS."""
    node.add_person("ann")
    with chromium() as browser:
        page = browser.page()
        page.call("Security.setIgnoreCertificateErrors", ignore=True)  # its authority is of this test
        page.go(f"http://127.0.0.1:{node.port + 1}/page?a=1")
        page.type("#username", "ann")
        page.type("#password", "ann-demo-pass")
        page.press("button[value=login]")
        page.until(
            "location.protocol == 'https:' && location.pathname == '/page' && location.search == '?a=1'"
        )
        assert '"ann"' in page.text
        (cookie,) = [one for name, one in page.cookies().items() if name.startswith("__Host-sumun_session")]
        assert (cookie["secure"], cookie["httpOnly"]) == (True, True)


def test_old_protocols(node: TlsNode) -> None:
    """TLS 1.1 is refused, and 1.2 with a cipher without forward secrecy; the log has one JSON line of each, without a request."""
    for change in ("version", "cipher"):
        context = node.caller().context
        if change == "version":
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("AES128-SHA")
        with pytest.raises(SHUT_OUT):
            TlsCaller(node.port, context).call("GET", "/open")

    def failed() -> list[object]:
        lines = map(json.loads, whole_lines(node.data / "log" / "access.log"))
        return [line["why"] for line in lines if line.get("code") == "no_handshake"]

    until(lambda: len(failed()) >= 2, why="the lines of two failed handshakes")


def test_redirect(node: TlsNode) -> None:
    """Without TLS a browser's first visit is sent to where there is TLS; credentials, writes and made-up hosts are refused."""
    port = node.port + 1
    visit = call(port, "GET", "/open?a=b", {"Host": f"gate.example:{port}"})
    assert visit.status == 308
    assert visit.headers["location"] == f"https://gate.example:{node.port}/open?a=b"
    assert call(port, "HEAD", "/", {"Host": "[::1]:1"}).headers["location"] == f"https://[::1]:{node.port}/"
    for method, path, headers in (
        ("POST", "/oauth/token", {}),
        ("GET", "/items", {"Authorization": "Bearer x"}),
        ("GET", "/items?access_token=x", {}),
    ):
        refused = call(port, method, path, headers)
        assert (refused.status, refused.json["code"]) == (403, "tls_required")
        assert "location" not in refused.headers
    refused = call(port, "GET", "/", {"Host": "a.example/@b.example"})
    # HAProxy 3.x finds it out before any rule of ours.
    assert (refused.status, refused.json["code"] in ("bad_host", "bad_request")) == (400, True)


def test_a_listener_for_holders_of_certificates(node: TlsNode) -> None:
    """Only a certificate of the listener's own authorities opens it: none, a stranger's, and a self-signed one do not."""
    internal = node.port + 2
    inner = node.authorities.inner.issue("worker")
    assert node.caller(inner, port=internal).call("GET", "/inside").status == 200
    same_name = Certificate.authority("inner authority").issue("worker")
    for stranger in (
        None,
        Certificate.self_signed(),
        node.authorities.partners.issue("p"),
        same_name,
        node.authorities.inner.issue("late", days=-0.5),
    ):
        with pytest.raises(SHUT_OUT):
            node.caller(stranger, port=internal).call("GET", "/inside")


def test_a_session_stays_with_its_listener(node: TlsNode) -> None:
    """A TLS session that began at the public listener does not open the internal one, with whatever certificate it began."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for certificate in (None, node.authorities.partners.issue("partner")):
            context = ssl.create_default_context(cadata=node.authorities.gate.pem())
            context.minimum_version = context.maximum_version = version
            if certificate is not None:
                show(context, certificate, node.folder)
            answered, session = spoken(context, node.port, "/open", None)
            assert answered.startswith(b"HTTP/1.1 200")
            assert session is not None
            assert spoken(context, node.port + 2, "/inside", session) == (b"", None)


def spoken(
    context: ssl.SSLContext, port: int, path: str, session: ssl.SSLSession | None
) -> tuple[bytes, ssl.SSLSession | None]:
    """What a call in a session that began elsewhere is answered, and the session of this one; nothing when it is refused."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: gate\r\n\r\n".encode())
                return connection.recv(1000), connection.session
        except SHUT_OUT:
            return b"", None


def test_the_private_key_stays_with_root(node: TlsNode) -> None:
    """The copy of the key in the generation is for its owner only, and what the parts run as cannot read it."""
    copies = list((node.data / "generations").glob("*/*.key.pem"))
    assert copies
    assert {copy.stat().st_mode & 0o777 for copy in copies} == {0o600}
    assert {copy.stat().st_uid for copy in copies} == {os.geteuid()}


def test_renewal(node: TlsNode) -> None:
    """A renewed certificate is shown after `sumun reload`; no call before, during or after it fails, kept connections neither."""
    stop = threading.Event()
    counts, lost = [0, 0], []

    def hammer(number: int) -> None:
        caller = node.caller()
        connection = caller.connection()
        while not stop.is_set():
            try:
                if call_on(connection, "GET", "/open").status != 200:
                    lost.append("not 200")
                counts[number] += 1
            except http.client.RemoteDisconnected:
                connection.close()  # between two requests, as a server may (RFC 9112 9.5)
            except OSError as error:
                lost.append(repr(error))
        connection.close()

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            before = sum(counts)
            until(lambda before=before: sum(counts) > before + 20)
            renewed = node.renew().certificate.serial_number
            assert served(node.caller()) != renewed
            done = node.sumun("reload", "--data", str(node.data))
            assert done.returncode == 0, done.stderr
            assert served(node.caller()) == renewed
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert lost == []


def test_watched(haproxy: object) -> None:
    """`sumun run --watch` sees a renewed certificate by itself, half of it first."""
    with tls_node(CONFIG, "--watch") as node:
        renewed = node.authorities.gate.issue("gate")
        (node.folder / "gate.pem").write_text(renewed.pem())
        until(lambda: "does not belong to the certificate" in node.log(), why="the half that does not fit")
        (node.folder / "gate.key").write_text(renewed.key_pem())
        until(lambda: served(node.caller()) == renewed.certificate.serial_number, why="the renewed one")


def test_a_certificate_that_does_not_fit(node: TlsNode) -> None:
    """A reload with another's key changes nothing and says why; what is there goes on."""
    before = served(node.caller())
    good = (node.folder / "gate.key").read_text()
    (node.folder / "gate.key").write_text(Certificate.self_signed().key_pem())
    done = node.sumun("reload", "--data", str(node.data))
    (node.folder / "gate.key").write_text(good)
    assert done.returncode == 2
    assert "does not belong to the certificate" in done.stdout + done.stderr
    assert served(node.caller()) == before


def test_a_certificate_that_ran_out(node: TlsNode) -> None:
    """`sumun check` refuses it; a running gateway lives with it and says so, and a renewed one mends it."""
    node.authorities.gate.issue("gate", days=-0.5).write(node.folder, "gate")
    checked = node.sumun("check", str(node.config))
    assert (checked.returncode, "ran out on" in checked.stderr) == (2, True)
    done = node.sumun("reload", "--data", str(node.data))
    assert (done.returncode, "ran out on" in done.stdout) == (0, True), done.stdout + done.stderr
    with pytest.raises(ssl.SSLCertVerificationError):
        node.caller().call("GET", "/open")
    renewed = node.renew().certificate.serial_number
    assert node.sumun("check", str(node.config)).returncode == 0
    assert node.sumun("reload", "--data", str(node.data)).returncode == 0
    assert served(node.caller()) == renewed
