"""The public keys of a client, from a file beside the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sumun.config.key_sets import KeySet
from sumun.config.refused import RefusedError
from sumun.config.values import Reading
from sumun.login.client_assertion import keys_of
from tests.unit.tokens.keys import KEYS
from tests.unit.tokens.proofs import key_for


def read(folder: Path, content: bytes, name: str = "keys.json") -> str:
    (folder / "keys.json").write_bytes(content)
    return KeySet().read(f"file:{name}", Reading(folder))


@pytest.mark.parametrize("alg", sorted(KEYS))
def test_a_file_of_keys(tmp_path: Path, alg: str) -> None:
    """Whatever key a client may use is taken from its file, and is the one that its assertions are held against."""
    key = key_for(alg)
    text = read(tmp_path, json.dumps({"keys": [key.as_dict(private=False)]}).encode())
    (found,) = keys_of(text)
    assert (found.thumbprint, alg in found.verifies) == (key.thumbprint(), True)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "more than 64 KiB"),
        (b"[" * 60_000, "not JSON"),
        (b"[]", "not a JWK Set"),
        (json.dumps({"keys": [key_for("ES256").as_dict(private=True)]}).encode(), "private key"),
    ],
    ids=["empty", "not UTF-8", "large", "deep", "a list", "private"],
)
def test_what_is_none(tmp_path: Path, content: bytes, what: str) -> None:
    """The file is named, and nothing of it is shown."""
    with pytest.raises(RefusedError, match=what):
        read(tmp_path, content)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Nor is what is not there."""
    for name in (".", "nowhere.json"):
        with pytest.raises(RefusedError, match="cannot be read"):
            read(tmp_path, b"{}", name)
