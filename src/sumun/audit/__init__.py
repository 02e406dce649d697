"""The record for people: who changed what, and when. Kept apart from logs, which are for machines.

AuditEvent   what happened, as a frozen value: one class for each kind of thing, all of them in events.py
AuditRecord  an event as it was written down: its number, when, and who did it (the actor)
actor        who made the change, in words: `cli:root`, `user:alice`, `client:batch`, `authenticator:staff`

An event is born where the change is made (directory, changes), and the directory writes it in the same transaction as
the change itself: there is no change without its record. No event holds a secret, so everything in one may be shown.
docs/audit.md lists every event; a test keeps that list complete.
"""

from sumun.audit.events import EVENTS, AuditEvent, AuditRecord

__all__ = ["EVENTS", "AuditEvent", "AuditRecord"]
