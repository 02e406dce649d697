"""All we know of HAProxy: its files, its check, its process.

    Plan ── render ──▶ Files ── check ──▶ Problems at YAML places, or none
                         └── install ──▶ a generation's folder ── MasterSocket ──▶ HAProxy reloaded, switched

Section, Line   what a configuration is made of; each line knows the YAML place that caused it
generation      one rendered configuration; numbered, never twice with one number
state           a set of route templates still possible after some segments of a path (`route_tree`)
odd             a request that needs a closer look (`gate`)
answer          of a route: `backend|route id|flags`; of the answerers: SPOE variables `txn.smn.*`

One text is written for HAProxy 2.6 and 3.x. Only `master`, `runtime` and `check` touch a process or a socket, only
`install` and `check` touch the disk; the rest is pure. HAProxy is started and stopped as a part of the node
(`node/supervisor/haproxy_part`).
"""

from sumun.haproxy.check import check
from sumun.haproxy.errors import HAProxyError
from sumun.haproxy.install import claim_number, install, make_current
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.program import Program, find_program
from sumun.haproxy.render import CONFIGURATION, render
from sumun.haproxy.sections import File, Files, Line, Section

__all__ = [
    "CONFIGURATION",
    "File",
    "Files",
    "HAProxyError",
    "Line",
    "MasterSocket",
    "Program",
    "RuntimePaths",
    "Section",
    "check",
    "claim_number",
    "find_program",
    "install",
    "make_current",
    "render",
]
