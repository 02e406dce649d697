"""docs/architecture.md: its tables say what the code does, and the folders are all there."""

from __future__ import annotations

import configparser
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from sumun.access import HasRole, Reason, Refuse, TokenKind
from sumun.answers.translate import BadQuestionError, read_question, write_outage, write_refusal
from sumun.config.plan import CertificateFiles, ClientCertificates, Tls
from sumun.haproxy import refusals
from sumun.haproxy.kept import told_fact, told_rights
from sumun.haproxy.refusals import GRPC_STATUS, Refusal
from sumun.haproxy.render_spoe import ANSWER_VARIABLES, MESSAGE, PREFIX, PROVING_MESSAGE, render_spoe
from tests.documentation.tables import DOCS, ROOT, table, words
from tests.unit.haproxy.plans import plan, route, service

PAGE = DOCS / "architecture.md"
QUESTION = f"The question (SPOE message `{MESSAGE}`; every argument is set by HAProxy, none by the client)"
PROVING = f"What a proving call adds (SPOE message `{PROVING_MESSAGE}`)"
ANSWER = f"The answer (SPOE variables, scope txn, prefix `{PREFIX}`: `txn.{PREFIX}.<name>`)"
TYPES = {"string": str, "bool": bool, "int32": int}


def told_types(heading: str) -> dict[str, str]:
    """Name -> type, as a table of names and types says."""
    return {name: row[1] for row in table(PAGE, heading) for name in words(row[0])}


def asked(message: str) -> list[str]:
    """The arguments of this message in the SPOE file."""
    for_browsers = route("products", "/products", "shop", kinds=frozenset(TokenKind))
    a_plan = plan(8080, [service("shop", 9101)], [for_browsers])
    tls = Tls((CertificateFiles("", ""),), ClientCertificates("", required=False, listen=None))
    a_plan = replace(a_plan, tls={"public": tls})
    lines = [line.text for line in render_spoe(a_plan).lines]
    args = lines[lines.index(f"spoe-message {message}") + 1]
    return re.findall(r"(\w+)=\S+", args)


def test_the_question_is_what_haproxy_asks() -> None:
    """The tables list the arguments of the SPOE file, all of them, in their order."""
    assert list(told_types(QUESTION)) == asked(MESSAGE)
    assert [*told_types(QUESTION), *told_types(PROVING)] == asked(PROVING_MESSAGE)


def test_the_question_is_what_we_read() -> None:
    """A question of the table's types is read; `internal` and `none` are the words that the table gives."""
    samples = {
        "string": "x",
        "ip": ipaddress.ip_address("127.0.0.1"),
        "bool": None,
    }  # a flag that is not set is null
    told = told_types(QUESTION) | told_types(PROVING)
    args: dict[str, object] = {name: samples[kind] for name, kind in told.items()}
    args |= {"gen": "7"}
    rows = {words(row[0])[0]: words(row[2]) for row in table(PAGE, QUESTION)}
    for listener in rows["lst"]:
        for kind in rows["kind"]:
            question = read_question(args | {"lst": listener, "kind": kind})
            assert (question.generation, question.internal) == (7, listener == "internal")
            assert question.credential.kind.value == kind
    for wrong in ({"lst": "operator"}, {"kind": "cookie"}, {"gen": "x"}):
        with pytest.raises(BadQuestionError):
            read_question(args | {"lst": "public", "kind": "none"} | wrong)


def answers() -> dict[str, Mapping[str, object]]:
    """Every sort of answer: one for each reason of a refusal, an outage, and an allowed call."""
    sorts: dict[str, Mapping[str, object]] = {
        reason: write_refusal(Refuse(reason, frozenset({HasRole("admin")}))) for reason in Reason
    }
    sorts["outage"] = write_outage("store_unavailable")
    sorts["allow"] = {
        "allow": True,
        "identity_token": "eyJ",
        "fact": told_fact("opaque;admin;a:b;*:*", "user:alice", "tid_1", "shop-app", "alice", "Alice"),
        "rights": told_rights("admin", "a:b"),
        "shadow": "insufficient_scope/a:c",
        "dpop_nonce": "n",
    }
    return sorts


def test_the_answer_is_what_we_write() -> None:
    """Each variable of each sort of answer is in the table with its type, and the table has no other."""
    told = told_types(ANSWER)
    seen = {name: value for answer in answers().values() for name, value in answer.items()}
    assert set(seen) == set(told)
    assert {name: type(value) for name, value in seen.items()} == {
        name: TYPES[kind] for name, kind in told.items()
    }


def test_the_answer_is_what_haproxy_takes() -> None:
    """The SPOE file registers the table's variables."""
    assert set(told_types(ANSWER)) == set(ANSWER_VARIABLES)


def refused_by_the_code() -> dict[str, tuple[int, int | None]]:
    """code -> status, grpc-status: HAProxy's own refusals, and those of answers."""
    every = [value for value in vars(refusals).values() if isinstance(value, Refusal)]
    to_grpc = (*refusals.ALONE_WITH_SESSIONS, refusals.TOO_MANY_REQUESTS, refusals.QUOTA_USED_UP)
    found = {one.code: (one.status, GRPC_STATUS.get(one.status) if one in to_grpc else None) for one in every}
    for answer in answers().values():
        if "code" in answer:
            status = int(str(answer["status"]))
            found[str(answer["code"])] = (status, GRPC_STATUS[status])
    return found


def test_the_refusals() -> None:
    """The table lists every refusal that HAProxy or an answer makes, with its statuses."""
    told = {
        words(row[0])[0]: (int(row[1]), int(row[2]) if row[2] else None)
        for row in table(PAGE, "The refusals")
    }
    assert told == refused_by_the_code()


def test_the_folders() -> None:
    """The table lists every folder that is there, in the order in which they may import."""
    told = [
        name.rstrip("/")
        for row in table(PAGE, "The folders, in import order (a folder imports only from rows below it)")
        for name in words(row[0])
    ]
    contract = configparser.ConfigParser(delimiters=("=",))
    contract.read(ROOT / ".importlinter")
    layers = contract["importlinter:contract:one-way"]["layers"].split("\n")
    order = [
        [name.strip(" ()") for name in layer.split("|")]
        for layer in layers
        if layer and not layer.startswith("#")
    ]
    rank = {name: number for number, layer in enumerate(order) for name in layer}
    there = {path.parent.name for path in (ROOT / "src" / "sumun").glob("*/__init__.py")}
    assert {name for name in told if name != "errors.py"} == there
    ranks = [rank[name.removesuffix(".py")] for name in told]
    assert ranks == sorted(ranks)
