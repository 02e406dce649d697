"""Events of the audit record."""

from __future__ import annotations

import dataclasses
import json

import pytest

from sumun.audit import EVENTS, AuditEvent, events
from sumun.audit.events import RightsGranted


def test_every_event_is_in_the_table() -> None:
    """A class of events that is not in EVENTS would be written down and be known to nobody."""
    assert set(EVENTS.values()) == {
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, AuditEvent) and kind is not AuditEvent
    }
    assert all(name == event.name for name, event in EVENTS.items())


@pytest.mark.parametrize("event", EVENTS.values())
def test_details_are_json(event: type[AuditEvent]) -> None:
    """Whatever an event holds becomes JSON, sets in one order."""
    examples: dict[str, object] = {
        "str": "user:alice",
        "bool": True,
        "int": 7,
        "frozenset[str]": frozenset({"b", "a"}),
    }
    made = event(**{field.name: examples[str(field.type)] for field in dataclasses.fields(event)})
    detail = json.loads(json.dumps(made.detail()))
    assert "about" not in detail
    assert all(value in ("user:alice", True, 7, ["a", "b"]) for value in detail.values())


def test_events_cannot_be_written_to() -> None:
    """What happened does not change."""
    event = RightsGranted("user:alice", "local", frozenset({"admin"}), frozenset())
    assert event.detail() == {"origin": "local", "roles": ["admin"], "permissions": []}
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.origin = "staff"  # type: ignore[misc]
