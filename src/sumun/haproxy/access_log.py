"""The access log: one JSON object a line, one line a request, written by HAProxy to its standard output.

Standard output is a regular file that the supervisor opened for appending: writing to it neither blocks nor
drops, and nobody has to read along. No line holds a credential, a query or a user agent. `-` stands for what is
not known.

    t        unix seconds with milliseconds when the request began
    id       the request's id, as in X-Request-Id and in the body of every refusal
    src      address of the peer
    lst      listener: public, internal, operator
    m        method (20 bytes of it)
    host     Host header (255 bytes)
    path     path without query, as it came (1500 bytes)
    route    id of the route, or `-`
    be       where it went: `ask.<service>` or `open.<service>`, `own`, `healthz`, `refuse`
    st       status of the answer
    code     stable code of a refusal that sumun made
    why      detail of a refusal (`expired`, `revoked`, ...); never told to the caller
    who      subject of the credential, as soon as it was proven
    client   OAuth client of the credential
    held     what the caller held: a profile or its id (`access.profile`)
    bytes    bytes sent to the client
    ask      milliseconds the decision took
    tr tw tc ts ta    milliseconds: request received, queue, connect, service's answer, all (%TR %Tw %Tc %Tr %Ta)
    shadow   how a shadow rule would decide otherwise (`access.shadow`); only where some route has one
    end      how the session ended (configuration manual 8.5), `--` is well

A TLS handshake that failed has a line with `t`, `src`, `lst`, the code `no_handshake` and HAProxy's words in `why`.
"""

from __future__ import annotations

from typing import Final

from sumun.haproxy.callers import BY, WHO, WITH

# Every text that a client may have a hand in goes through json(utf8s), and is cut before: a line longer than its
# `len` would be cut behind, and be no JSON. What we wrote ourselves (routes, codes, subjects, clients) has alphabets of
# its own, in which nothing has to be escaped.
_FIELDS: Final = (
    ('"t"', "%Ts.%ms"),
    ('"id"', '"%[unique-id]"'),
    ('"src"', '"%ci"'),
    ('"lst"', '"%f"'),
    ('"m"', '"%[var(txn.m),bytes(0,20),json(utf8s)]"'),
    ('"host"', '"%[var(txn.host),bytes(0,255),json(utf8s)]"'),
    ('"path"', '"%[var(txn.path),bytes(0,1500),json(utf8s)]"'),
    ('"route"', '"%[var(txn.r),field(2,|)]"'),
    ('"be"', '"%b"'),
    ('"st"', "%ST"),
    ('"code"', '"%[var(txn.code)]"'),
    ('"why"', '"%[var(txn.smn.why)]"'),
    ('"who"', f'"%[{WHO}]"'),
    ('"client"', f'"%[{BY}]"'),
    ('"held"', f'"%[{WITH}]"'),
    ('"bytes"', "%B"),
    ('"ask"', '"%[var(txn.smn.ms)]"'),
    ('"tr"', "%TR"),
    ('"tw"', "%Tw"),
    ('"tc"', "%Tc"),
    ('"ts"', "%Tr"),
    ('"ta"', "%Ta"),
    ('"end"', '"%ts"'),
)

SHADOW: Final = "txn.smn.shadow"
_SHADOW_FIELD: Final = ('"shadow"', f'"%[var({SHADOW})]"')


def log_format(*, shadows: bool) -> str:
    """The directive of a frontend. `shadows`: some route has a shadow rule, so lines say what it says."""
    fields = [*_FIELDS[:-1], _SHADOW_FIELD, _FIELDS[-1]] if shadows else _FIELDS
    return "log-format '{" + ",".join(f"{key}:{value}" for key, value in fields) + "}'"


def error_log_format() -> str:
    """The directive of a frontend that speaks TLS: the line of a connection of which no request ever came."""
    fields = (
        ('"t"', "%Ts.%ms"),
        ('"src"', '"%ci"'),
        ('"lst"', '"%f"'),
        ('"code"', '"no_handshake"'),
        ('"why"', '"%[fc_err_str,json(utf8s)]"'),
    )
    return "error-log-format '{" + ",".join(f"{key}:{value}" for key, value in fields) + "}'"


def remember() -> list[str]:
    """The rules that keep what the log needs: a header or the path is not there any more when the line is
    written.
    """
    return [
        # `concat()` makes a text of it: HAProxy 2.6 gives a stored method that it does not know back as OPTIONS.
        "http-request set-var(txn.m) method,concat()",
        "http-request set-var(txn.path) path",
        "http-request set-var(txn.host) req.hdr(host)",
    ]
