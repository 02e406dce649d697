"""THE OPERATOR'S YAML -> one checked, immutable Plan.

    file -> yaml_reader -> Document (nodes with places) -> checking against settings -> compile -> Plan
                                                                                          wire: Plan <-> JSON
Words
    Place     file:line:column, kept from the file to the Plan to each line of HAProxy's files
    Problem   place, value, what is wrong, what is allowed, how to mend; all are found in one run, none shows a secret
    Note      something to know that stops nothing
    Plan      what the operator asked for: data only, no secret in it, only references (`env:`, `file:`)

Text to nodes
yaml_reader, yaml_syntax, scalars       YAML with places, its mistakes in words that help, what a bare word means
yaml_slips                              the slip of a finger behind such a mistake
document, on_disk, masking              what was read; what there is on disk; what of it may be shown
problems, findings, refused, closest    what is wrong: all at once, each at its place; "did you mean"

Nodes to settings
values, units, words, said              kinds of value that a setting may hold (for the settings of plug-ins too)
network, paths, rights, rates, thumbprints   the same for addresses, paths of routes, permissions, rates, certificates
settings                                one class for each section; the long sections have files of their own:
route_settings, service_settings, token_settings, session_settings, limit_settings, tls_settings, registration_settings,
cors_settings
checking, reference                     nodes against these classes; the tables of `docs/configuration.md`

Settings to plan
compile                                 all sections, and what they mean to each other
routes, services, clients, listeners, tls, login_chains   one section each
requirements, vocabulary, known_certificates, key_sets, origins, rule_ids   parts of sections
policy_tests, policy_test_settings      what must become of calls, tried on the plan

Of a plan
plan                                    what it holds, a file for each part
wire, wire_types                        as JSON
precedence, route_index, calls          which route serves a call: the rule stated once, quickly for many, for one
canonical                               the one way to write a path; the gate refuses others

`load` is the way in, and tries the policy tests of the file and of `*.test.yaml` beside it (`policy_tests`).
Only `yaml_reader` touches a file. Importing this package, the Plan or `wire` imports neither pydantic nor PyYAML.
"""

from __future__ import annotations

from pathlib import Path

from sumun.config.plan import Note, Place, Plan
from sumun.config.problems import ConfigProblemsError, Problem, describe_problems
from sumun.plugins import Catalogue

__all__ = [
    "ConfigProblemsError",
    "Note",
    "Place",
    "Plan",
    "Problem",
    "describe_problems",
    "load",
    "with_excerpts",
]


def load(path: Path, catalogue: Catalogue, *, try_tests: bool = True) -> Plan:
    """The plan in a file. Raises ConfigProblemsError with everything that is wrong in it, failing policy tests too.

    `try_tests` False: what the file asks for is wanted, not whether its tests hold.

    Raises plugins.BrokenKindError when a kind of the catalogue that the file names cannot be imported.
    """
    from sumun.config.compile import compile_plan  # noqa: PLC0415  only who reads YAML pays for its readers
    from sumun.config.yaml_reader import read, read_beside  # noqa: PLC0415

    beside = read_beside(path) if try_tests else ()
    return compile_plan(read(path), catalogue, beside, try_tests=try_tests)


def with_excerpts(problems: tuple[Problem, ...], path: Path) -> tuple[Problem, ...]:
    """Problems that others found at places of a file (`haproxy -c`), with the lines as they may be shown."""
    from sumun.config.yaml_reader import add_excerpts  # noqa: PLC0415

    return add_excerpts(problems, path)
