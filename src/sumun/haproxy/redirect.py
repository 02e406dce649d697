"""The frontend that sends callers without TLS to where there is TLS.

Only what a browser's first visit looks like: GET or HEAD without a credential. A program that sends its token in clear
must fail, so that somebody notices; sent on, it would go on doing so for ever.
"""

from __future__ import annotations

from sumun.config.plan import Plan
from sumun.haproxy.access_log import log_format, remember
from sumun.haproxy.gate import GOOD_HOST
from sumun.haproxy.quoting import regex
from sumun.haproxy.refusals import BAD_HOST, CODE, TLS_REQUIRED, answer
from sumun.haproxy.sections import Section, section
from sumun.haproxy.tls import binds

NAME = "redirect"


def redirect_frontend(plan: Plan) -> list[Section]:
    """RFC 6797 7.2; nothing without `tls.redirect_from`."""
    tls = plan.tls.get("public")
    if tls is None or tls.redirect_from is None:
        return []
    port = "" if plan.listen.port == 443 else f":{plan.listen.port}"
    safe = "{ method GET HEAD } !{ req.hdr(authorization) -m found } !{ url_param(access_token) -m found }"
    host = '%[req.hdr(host),\'regsub(":[0-9]+$","")\']'
    lines = (
        *binds(NAME, tls.redirect_from, None),
        "log global",
        "unique-id-format %[uuid]",
        log_format(shadows=False),
        *remember(),
        "http-after-response set-header X-Request-Id %[unique-id]",
        f"acl good_host req.hdrs -m reg {regex(GOOD_HOST)}",
        f"http-request set-var({CODE}) str({BAD_HOST.code}) unless good_host",
        f"http-request return {answer(BAD_HOST)} unless good_host",
        f"http-request redirect code 308 location https://{host}{port}%[pathq] if {safe}",
        f"http-request set-var({CODE}) str({TLS_REQUIRED.code})",
        f"http-request return {answer(TLS_REQUIRED)}",
    )
    return [section(f"frontend {NAME}", lines, tls.redirect_from.where)]
