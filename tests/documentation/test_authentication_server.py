"""docs/authentication-server.md: its examples are what is sent, and what is taken."""

from __future__ import annotations

import inspect
import json
import re

import pytest

from sumun.login import http
from sumun.login.http_answer import Accepted, BadAnswerError, Refused, Unknown, read_answer
from tests.documentation.tables import DOCS

EXAMPLES = re.findall(
    r"^```json\n(.*?)^```$",
    (DOCS / "authentication-server.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


def test_the_question_is_what_we_send() -> None:
    """The members of the example are those of the question, in their order."""
    sent = re.findall(r'^ +"(\w+)": proof\.\w+,$', inspect.getsource(http), re.MULTILINE)
    assert len(sent) >= 5
    assert list(json.loads(EXAMPLES[0])) == sent


@pytest.mark.parametrize(
    ("example", "kind"), list(zip(EXAMPLES[1:], (Accepted, Refused, Unknown), strict=True)), ids=repr
)
def test_the_answers_are_taken(example: str, kind: type) -> None:
    """Each example is one of the three answers, as it stands; with one more member it is an outage."""
    assert type(read_answer(200, "application/json", example.encode())) is kind
    with pytest.raises(BadAnswerError):
        read_answer(200, "application/json", json.dumps(json.loads(example) | {"token": "x"}).encode())
