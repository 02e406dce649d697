"""The stored bytes of a TokenRecord: `1 tid_... {json}`.

Version and public handle stand in front, so a script can name the token in the news without reading JSON, and a newer
shape is told by its number. Readers read every version up to their own; writers write their own.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from sumun.identity import InvalidPermissionError, InvalidSubjectError, Permission, Subject
from sumun.tokens.record import NARROWED_RECORD_VERSION, RECORD_VERSION, TokenRecord

_TOKEN_ID = re.compile(r"[!-~]{1,128}")
_READABLE = frozenset({b"%d" % RECORD_VERSION, b"%d" % NARROWED_RECORD_VERSION})


class CorruptRecordError(ValueError):
    """The bytes under a token's key are not a record that this version reads. It says nothing of the token."""


class _Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    """Short names: there are millions of these. Permissions and subject in their text forms."""

    s: str
    c: str
    p: tuple[str, ...]
    i: int
    e: int
    l: int  # noqa: E741 - the stored name of the login epoch
    o: bool = False
    r: list[str] = []
    d: tuple[str, ...] = ()
    n: str = ""
    w: list[str] = []
    b: str = ""
    g: str = ""
    a: list[str] = []
    k: str = ""
    x: str = ""
    f: str = ""


@lru_cache(maxsize=4096)
def _permissions(texts: tuple[str, ...]) -> frozenset[Permission]:
    """A node sees few different sets, and the same people again and again. A set also remembers its hash."""
    return frozenset(map(Permission.parse, texts))


_subject = lru_cache(maxsize=16_384)(Subject.parse)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Stored)


def encode(record: TokenRecord) -> bytes:
    """The bytes to store. ValueError for a token id that is not 1 to 128 printable ASCII characters."""
    if _TOKEN_ID.fullmatch(record.token_id) is None:
        raise ValueError(f"{record.token_id[:40]!r} is not a token id")
    stored = _Stored(
        s=str(record.subject),
        c=record.client_id,
        p=tuple(sorted(map(str, record.scopes))),
        i=record.issued_at_ms,
        e=record.expires_at_ms,
        l=record.login_epoch,
        o=record.own_rights,
        r=sorted(record.roles),
        d=tuple(sorted(map(str, record.permissions))),
        n=record.note,
        w=sorted(record.openid),
        b=record.session_id,
        g=record.grant_id,
        a=sorted(record.audience),
        k=record.bound_to,
        x=record.actor,
        f=record.family_id,
    )
    version = NARROWED_RECORD_VERSION if record.audience or record.bound_to else RECORD_VERSION
    return b"%d %s %s" % (version, record.token_id.encode("ascii"), _encoder.encode(stored))


def decode(data: bytes) -> TokenRecord:
    """The record. Raises CorruptRecordError, whose text holds nothing of the record."""
    try:
        version, token_id, body = data.split(b" ", 2)
        if version not in _READABLE:
            raise CorruptRecordError("a token record has a version that this sumun does not read")
        stored = _decoder.decode(body)
        return (
            TokenRecord(  # by position: it is made once for each question, and eighteen names cost half of it
                token_id.decode("ascii"),
                _subject(stored.s),
                stored.c,
                _permissions(stored.p),
                stored.i,
                stored.e,
                stored.l,
                stored.o,
                frozenset(stored.r),
                _permissions(stored.d),
                stored.n,
                frozenset(stored.w),
                stored.b,
                stored.g,
                frozenset(stored.a),
                stored.k,
                stored.x,
                stored.f,
            )
        )
    except CorruptRecordError:
        raise
    except (ValueError, InvalidSubjectError, InvalidPermissionError):  # msgspec's errors are ValueErrors
        raise CorruptRecordError("a token record in the store cannot be read") from None
