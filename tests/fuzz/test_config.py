"""Whatever stands in the file, the outcome is a plan or problems with places; never another exception, never a hang."""

from __future__ import annotations

import random
from pathlib import Path, PurePosixPath

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sumun.config import ConfigProblemsError, Plan, describe_problems, wire
from sumun.config.compile import compile_plan
from sumun.config.yaml_reader import parse
from tests.golden.kinds import CATALOGUE

CASES = [
    case.read_bytes() for case in sorted((Path(__file__).parents[1] / "golden" / "config").glob("*.yaml"))
]
GOOD = [case for case in CASES if b"services" in case]

WORDS = """
listen internal operator issuer services routes roles permissions login authenticators clients tokens limits node outage
url urls path methods service require host name kind id secret grants scopes lifetime access jwt public GET product:read
product:* * ** / /a /a/{id} /** 127.0.0.1:8080 http://a true yes no 0755 12:30 1_000 ~ 15m 64KiB env:X file:x all any
role password http
"""
words = st.sampled_from(WORDS.split())
keys = words | st.text(max_size=8)
leaves = words | st.text(max_size=12) | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)
sections = st.dictionaries(words, trees, max_size=8)


def outcome(data: bytes) -> Plan | ConfigProblemsError:
    """The plan, or the problems, each of which can be shown."""
    try:
        return compile_plan(parse(data, "sumun.yaml", PurePosixPath("/etc/sumun")), CATALOGUE)
    except ConfigProblemsError as error:
        lines = (
            data.count(b"\n") + data.count(b"\r") + 2 * data.count(b"\xe2\x80") + data.count(b"\xc2\x85") + 2
        )
        for problem in error.problems:
            assert problem.what
            assert problem.place.file == "sumun.yaml"
            assert 0 <= problem.place.line <= lines
        shown = describe_problems(error, color=True)
        assert shown.replace("\n", "").replace("\x1b", "").isprintable()
        return error


def yaml_of(value: object, *, quote: bool) -> str:
    """A tree in YAML's flow style; text bare or in quotes."""
    match value:
        case dict():
            return f"{{{', '.join(f'{yaml_of(k, quote=quote)}: {yaml_of(v, quote=quote)}' for k, v in value.items())}}}"
        case list():
            return f"[{', '.join(yaml_of(item, quote=quote) for item in value)}]"
        case str() if quote:
            escaped = "".join(c if c.isascii() and c.isalnum() else f"\\U{ord(c):08x}" for c in value)
            return f'"{escaped}"'
        case None:
            return "null"
    return str(value)


@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00")
@example(b"a: \xed\xa0\x80")
def test_any_bytes(data: bytes) -> None:
    """Bytes of any sort make problems."""
    outcome(data)


@given(st.text(max_size=300))
@example("a\x85b: c")
@example("%YAML 9.9\n--- a")
@example("? ? ? a")
@example("&a *a")
@example("--- !<tag:yaml.org,2002:str> a")
@example("a: |9\n b")
def test_any_text(text: str) -> None:
    """Text of any sort makes problems."""
    outcome(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=3 * settings().max_examples)
@given(sections, st.booleans())
def test_any_settings(tree: dict[str, object], quote: bool) -> None:
    """Known names with values of every sort in every place make a plan or problems."""
    outcome("\n".join(f"{k}: {yaml_of(v, quote=quote)}" for k, v in tree.items()).encode("utf-8", "replace"))


@settings(max_examples=3 * settings().max_examples)
@given(st.integers(0), st.integers(1, 6))
def test_damaged_configurations(seed: int, damages: int) -> None:
    """A real configuration with pieces cut out, doubled, swapped or replaced makes a plan or problems."""
    pick = random.Random(seed)
    data = bytearray(pick.choice(CASES))
    for _ in range(damages):
        here, there = (pick.randrange(len(data) + 1) for _ in range(2))
        here, there = min(here, there), min(max(here, there), here + pick.choice((1, 3, 30)))
        match pick.randrange(4):
            case 0:
                del data[here:there]
            case 1:
                data[here:here] = data[here:there]
            case 2:
                data[here:there] = pick.choice(
                    (b"{", b"[", b"*", b"&a ", b": ", b"\n", b"'", b"\t", b"- ", b"no", b"\xff")
                )
            case 3:
                other = pick.choice(CASES)
                start = pick.randrange(len(other) + 1)
                data[here:there] = other[start : start + 40]
    outcome(bytes(data))


@given(st.sampled_from(GOOD))
def test_the_same_input_gives_the_same_outcome(data: bytes) -> None:
    """Compiling is deterministic: two runs agree in every field, every place and every byte on the wire."""
    one, two = outcome(data), outcome(data)
    if isinstance(one, Plan) and isinstance(two, Plan):
        assert one == two
        assert wire.dump(one) == wire.dump(two)
    else:
        assert str(one) == str(two)


@settings(max_examples=1 * settings().max_examples)
@given(st.binary(max_size=200) | st.builds(lambda cut: wire.dump(_PLAN)[:cut], st.integers(0, 3000)))
def test_a_wire_that_is_no_plan(data: bytes) -> None:
    """Bytes that are no plan are refused with the one error for that."""
    try:
        wire.load(data)
    except wire.PlanFormatError:
        return
    assert data == wire.dump(_PLAN)


_PLAN = compile_plan(parse(b"services: {}\nroutes: []\n", "sumun.yaml", PurePosixPath("/")), CATALOGUE)
