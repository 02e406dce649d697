"""Hypothesis strategies for everything that travels over SPOP."""

from __future__ import annotations

from hypothesis import strategies as st

from sumun.spop import Action, HaproxyHello, Message, Scope, SetVar, UnsetVar
from sumun.spop.actions import MAX_VARIABLE_NAME
from sumun.spop.frames import encode_notify

# What a STRING may decode to: any text, and the surrogates that stand for bytes which are not UTF-8.
texts = st.binary(max_size=400).map(lambda raw: raw.decode("utf-8", "surrogateescape")) | st.text(
    max_size=400
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-300, 300_000),
    st.ip_addresses(),
    texts,
    st.binary(max_size=400),
)
argument_names = st.text(max_size=16)
messages = st.builds(Message, argument_names, st.dictionaries(argument_names, values, max_size=10))
message_lists = st.lists(messages, max_size=8).map(tuple)

scopes = st.sampled_from(Scope)
variable_names = st.from_regex(r"[A-Za-z0-9_.]+", fullmatch=True).map(lambda name: name[:MAX_VARIABLE_NAME])
actions: st.SearchStrategy[Action] = st.builds(SetVar, scopes, variable_names, values) | st.builds(
    UnsetVar, scopes, variable_names
)
ids = st.integers(0, 300) | st.integers(0, 2**64 - 1)
notify_frames = st.builds(encode_notify, ids, ids, message_lists)
hellos = st.builds(
    HaproxyHello,
    supported_versions=st.sampled_from(["2.0", "1.0, 2.0", " 2.1 ,1.5"]),
    max_frame_size=st.integers(4096, 2**32 - 1),
    capabilities=st.frozensets(st.sampled_from(["pipelining", "async", "fragmentation", "later"])),
    healthcheck=st.just(value=False),
    engine_id=st.text(st.characters(codec="ascii", categories=["Nd", "Ll"]), max_size=36),
)
