"""Shadow rules: whatever they ask, an answer is the same without them; they only add what they would have done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sumun.access import (
    Allow,
    Evidence,
    HasPermission,
    HasRole,
    Invalid,
    InvalidBecause,
    Missing,
    Policy,
    Proven,
    Reason,
    Refuse,
    Rule,
    TokenKind,
    decide,
)
from sumun.access.generations import Generations
from sumun.access.shadow import ALLOW, LONGEST, ShadowSays, otherwise
from sumun.answers.answer import Answerer
from sumun.answers.translate import Variables, write_refusal
from sumun.haproxy.kept import Fact, Verdict
from sumun.identity import ANYTHING, Permission, Principal, Subject
from tests.unit.answers.test_answer import QUESTION, Knows, redeem, variables
from tests.unit.recognition.possessed import possession

READ, WRITE = Permission("item", "read"), Permission("item", "write")
REQUIREMENTS = st.sampled_from([HasPermission(READ), HasPermission(WRITE), HasRole("admin")])
KINDS = st.frozensets(st.sampled_from(TokenKind), min_size=1)
RULES = st.builds(
    lambda requirement, kinds: Rule("list", requirement=requirement, kinds=kinds), REQUIREMENTS, KINDS
)
RIGHTS = st.frozensets(st.sampled_from([READ, WRITE]))
EVIDENCE: st.SearchStrategy[Evidence] = st.one_of(
    st.just(Missing()),
    st.builds(Invalid, st.sampled_from(InvalidBecause)),
    st.builds(
        lambda roles, rights, kind: Proven(
            Principal(Subject.user("bob"), "", roles, rights, frozenset({ANYTHING}), "app", "tid_1"),
            kind,
            200.0,
        ),
        st.frozensets(st.just("admin")),
        RIGHTS,
        st.sampled_from(TokenKind),
    ),
)


def answer(
    evidence: Evidence, rule: Rule, shadow: Rule | None
) -> tuple[Variables, list[tuple[Fact, Verdict]]]:
    """What is answered, and what may be kept."""
    generations = Generations()
    shadows = {} if shadow is None else {"list": shadow}
    generations.learn(Policy(7, {"list": rule}, {}, {}, {"list": ("shop", "1")}, shadows))
    learned: list[tuple[Fact, Verdict]] = []
    answerer = Answerer(
        generations, Knows({"bob": evidence}), redeem, possession(lambda: 100.0), lambda *_: "", lambda: 100.0,
        lambda *of: learned.append(of), lambda *_: None,
    )  # fmt: skip
    question = QUESTION if not isinstance(evidence, Missing) else {**QUESTION, "kind": "none"}
    told = variables(answerer.answer(question))
    return told, learned


@given(EVIDENCE, RULES, RULES)
def test_a_shadow_rule_changes_no_answer(evidence: Evidence, rule: Rule, shadow: Rule) -> None:
    """With it and without it the answer and what may be kept are the same, but for what the shadow says."""
    told, learned = answer(evidence, rule, shadow)
    alone, learned_alone = answer(evidence, rule, None)
    says = told.pop("shadow", "")
    assert told == alone
    assert [(fact, replace(verdict, shadow="")) for fact, verdict in learned] == learned_alone
    assert all(verdict.shadow == says for _, verdict in learned)
    flips = isinstance(decide(rule, evidence, {}), Allow) != isinstance(decide(shadow, evidence, {}), Allow)
    assert bool(says) == flips


@given(
    st.sampled_from(Reason),
    st.sampled_from([None, *InvalidBecause]),
    st.frozensets(st.sampled_from([READ, WRITE])),
)
def test_what_it_says_is_what_a_refusal_would_say(
    reason: Reason, because: InvalidBecause | None, missing: frozenset[Permission]
) -> None:
    """Code and detail of the log line are those of the refusal, and come out of the line as they went in."""
    refuse = Refuse(reason, frozenset(map(HasPermission, missing)), because)
    told = write_refusal(refuse)
    assert told["code"] == refuse.code
    if reason is Reason.INSUFFICIENT_SCOPE and because is None:
        assert told["why"] == refuse.detail
    says = otherwise(Allow(), refuse)
    assert says is not None
    assert ShadowSays.parse(says.text) == says
    assert " " not in says.text
    assert otherwise(refuse, refuse) is None
    assert otherwise(refuse, Allow()) == ShadowSays(ALLOW)


def test_a_line_stays_short() -> None:
    """Of very much that is missing, the log says the code only."""
    assert ShadowSays("insufficient_scope", "x" * (LONGEST + 1)).text == "insufficient_scope"


def test_a_verdict_says_where_its_calls_go() -> None:
    """A shadow rule that says no sends kept calls through the backend that notes it; the permission is the same."""
    verdict = Verdict("p", 7, "1", "shop", "user", "item:read")
    noted = replace(verdict, shadow="insufficient_scope/item:write")
    assert verdict.value() == "known.shop|user|item:read"
    assert noted.value() == "shadow.shop|user|item:read|insufficient_scope/item:write"
    assert noted.key == verdict.key
