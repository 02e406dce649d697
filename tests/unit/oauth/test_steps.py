"""What is next on the way to a code."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from sumun.identity import Permission
from sumun.oauth.authorize.consent import Wanted, wanted
from sumun.oauth.authorize.errors import AuthorizationError
from sumun.oauth.authorize.reply import ReplyTo
from sumun.oauth.authorize.request import AuthorizationRequest, Prompt
from sumun.oauth.authorize.steps import Ask, Give, LoggedIn, LogIn, consent_step, login_step

NOW = 1000.0


def asked(*prompt: Prompt, max_age: int | None = None) -> AuthorizationRequest:
    """A request with these."""
    return AuthorizationRequest(
        "web",
        ReplyTo("https://shop.example/back"),
        frozenset(),
        frozenset(),
        "x" * 43,
        prompt=frozenset(prompt),
        max_age=max_age,
    )


def permissions(*texts: str) -> frozenset[Permission]:
    """Parsed."""
    return frozenset(map(Permission.parse, texts))


@pytest.mark.parametrize(
    ("request_", "session", "hint", "step"),
    [
        (asked(), None, "", LogIn()),
        (asked(), None, "bob", LogIn("bob")),
        (asked(), LoggedIn("alice", 1), "", None),
        (asked(Prompt.CONSENT), LoggedIn("alice", 1), "", None),
        (asked(Prompt.LOGIN), LoggedIn("alice", 999), "", LogIn("alice")),
        (asked(Prompt.LOGIN), LoggedIn("alice", 999, proved_here=True), "", None),
        (asked(Prompt.SELECT_ACCOUNT), LoggedIn("alice", 999), "", LogIn()),
        (asked(max_age=10), LoggedIn("alice", 990), "", None),
        (asked(max_age=9), LoggedIn("alice", 990), "", LogIn("alice")),
        (asked(max_age=0), LoggedIn("alice", 1000, proved_here=True), "", None),
        (asked(), LoggedIn("alice", 1), "alice", None),
        (asked(), LoggedIn("alice", 1), "bob", LogIn("bob")),
    ],
)
def test_login(
    request_: AuthorizationRequest, session: LoggedIn | None, hint: str, step: LogIn | None
) -> None:
    """Nobody is there, not freshly enough, or somebody else than the client means; and who it will be."""
    assert login_step(request_, session, hint, NOW) == step


@pytest.mark.parametrize(
    ("request_", "session", "hint"),
    [
        (asked(Prompt.NONE), None, ""),
        (asked(Prompt.NONE, max_age=1), LoggedIn("alice", 990), ""),
        (asked(Prompt.NONE), LoggedIn("alice", 1), "bob"),
        (asked(), LoggedIn("alice", 1, proved_here=True), "bob"),
    ],
)
def test_login_required(request_: AuthorizationRequest, session: LoggedIn | None, hint: str) -> None:
    """Without a page it cannot be had; and who just logged in is not who the client means."""
    with pytest.raises(AuthorizationError) as refused:
        login_step(request_, session, hint, NOW)
    assert refused.value.refusal.value == "login_required"


WHOLE = Wanted(permissions("product:read", "order:read"), frozenset({"openid", "profile"}))


@pytest.mark.parametrize(
    ("request_", "allowed", "refused", "first_party", "step"),
    [
        (asked(), Wanted(), (), False, Ask(WHOLE)),
        (asked(), Wanted(), (), True, Give()),
        (asked(), WHOLE, (), False, Give()),
        (asked(), Wanted(permissions("*:read"), WHOLE.openid), (), False, Give()),
        (
            asked(),
            Wanted(permissions("product:*"), frozenset({"openid"})),
            (),
            False,
            Ask(Wanted(permissions("order:read"), frozenset({"profile"}))),
        ),
        (
            asked(),
            Wanted(permissions("product:read"), frozenset({"openid"})),
            ("order:read",),
            False,
            Ask(Wanted(frozenset(), frozenset({"profile"}))),
        ),
        (
            asked(Prompt.NONE),
            Wanted(permissions("product:read"), frozenset({"openid"})),
            ("order:read", "profile"),
            False,
            Give(),
        ),
        (asked(), Wanted(permissions("price:read")), WHOLE.texts, False, Ask(WHOLE)),
        (asked(Prompt.CONSENT), WHOLE, (), False, Ask(WHOLE)),
        (asked(Prompt.CONSENT), WHOLE, (), True, Ask(WHOLE)),
        (asked(), Wanted(), ("order:read",), True, Give()),
        (asked(), Wanted(), WHOLE.texts, True, Ask(WHOLE)),
        (asked(Prompt.NONE), WHOLE, (), False, Give()),
        (asked(Prompt.NONE), Wanted(), (), True, Give()),
    ],
)
def test_consent(
    request_: AuthorizationRequest,
    allowed: Wanted,
    refused: Collection[str],
    first_party: bool,
    step: Ask | Give,
) -> None:
    """Only what is new is asked, only of clients that are not ours, and always when the client wants it asked.

    What was refused before is not asked again, unless nothing else is left of what the client wants.
    """
    assert consent_step(request_, WHOLE, allowed, refused, first_party=first_party) == step


def test_consent_required() -> None:
    """Without a page nobody can be asked."""
    with pytest.raises(AuthorizationError) as refused:
        consent_step(asked(Prompt.NONE), WHOLE, Wanted(), (), first_party=False)
    assert refused.value.refusal.value == "consent_required"


VOCABULARY = {"product:read": "", "product:create": "", "order:read": "", "report:*": ""}


@pytest.mark.parametrize(
    ("scopes", "laid_out"),
    [
        ({"product:*"}, {"product:read", "product:create"}),
        ({"*:read"}, {"product:read", "order:read"}),
        ({"*:*"}, {"product:read", "product:create", "order:read", "role:admin"}),
        ({"role:*"}, {"role:admin"}),
        ({"role:other"}, {"role:other"}),
        ({"report:*"}, {"report:*"}),
        ({"price:*"}, {"price:*"}),
        ({"price:read"}, {"price:read"}),
    ],
)
def test_laid_out(scopes: set[str], laid_out: set[str]) -> None:
    """A pattern becomes what it covers of what is declared, and of the person's roles; else it stays."""
    assert wanted(permissions(*scopes), (), VOCABULARY, {"admin"}).scopes == permissions(*laid_out)


def test_chosen() -> None:
    """Only what was asked can be chosen, whatever the browser says; `openid` goes with it."""
    picked = WHOLE.chosen({"order:read", "product:create", "*:*", "offline_access"})
    assert picked == Wanted(permissions("order:read"), frozenset({"openid"}))
