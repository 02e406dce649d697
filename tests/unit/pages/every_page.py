"""One value of every page and of each of its troubles, for the tests that hold every page to the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sumun.config.plan import Sentence
from sumun.pages import (
    AccountPage,
    ConfirmLogoutPage,
    ConsentPage,
    DeviceCodePage,
    DeviceDonePage,
    DeviceTrouble,
    FailurePage,
    Fault,
    Frame,
    GrantedApplication,
    Locale,
    LoggedInApplication,
    LoginPage,
    LoginTrouble,
    LoginWay,
    Notice,
    PassingPage,
    PasswordPage,
    PasswordTrouble,
    Person,
    RefusedPage,
    SeenSession,
    SignedOutPage,
    asked_permissions,
    render_account,
    render_confirm_logout,
    render_consent,
    render_device_code,
    render_device_done,
    render_failure,
    render_login,
    render_passing,
    render_password,
    render_refused,
    render_signed_out,
)
from sumun.pages.frame import Hidden

NOW = 1_800_000_000.0
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1"
SCOPES = ("openid", "profile", "order:create", "order:read", "product:*", "role:admin", "unsaid:thing")
WORDS = {
    "order:create": Sentence("Place orders for you", {"ko": "대신 주문하기"}),
    "order:read": Sentence("See your orders", {"ko": "주문 내역 보기"}),
    "product:read": Sentence("See products", {"ko": "상품 보기"}),
    "product:create": Sentence("Add products", {"ko": "상품 등록하기"}),
}
HIDDEN = (Hidden("csrf", "c2VjcmV0"), Hidden("transaction", "dHJhbnNhY3Rpb24"))


def every_page(
    locale: Locale, application: str = "Moon Shop", name: str = "Alice 앨리스"
) -> Iterator[tuple[str, Callable[[], str]]]:
    """(name, what renders it)."""
    frame = Frame(locale, "/login?t=1")
    alice = Person("alice", name)
    asked = asked_permissions(SCOPES, WORDS, locale, before={"order:read"})
    for trouble in LoginTrouble:
        yield (
            f"login-{trouble or 'fresh'}",
            lambda trouble=trouble: render_login(
                LoginPage(
                    frame,
                    "/login",
                    HIDDEN,
                    application,
                    username="alice" if trouble else "",
                    trouble=trouble,
                    wait_seconds=75,
                )
            ),
        )
    yield (
        "login-ways",
        lambda: render_login(
            LoginPage(frame, "/login", HIDDEN, application, ways=(LoginWay("passkey", application),))
        ),
    )
    yield (
        "login-own",
        lambda: render_login(LoginPage(frame, "/login", HIDDEN, username="alice", fixed=True, cancels=False)),
    )
    yield (
        "consent",
        lambda: render_consent(
            ConsentPage(frame, "/oauth/authorize", HIDDEN, application, alice, asked, "shop.example")
        ),
    )
    yield (
        "consent-device",
        lambda: render_consent(
            ConsentPage(
                frame,
                "/oauth/device",
                HIDDEN,
                application,
                alice,
                asked[2:4],
                unknown=True,
                device_code="WDJB-MJHT",
                nothing_ticked=True,
            )
        ),
    )
    yield (
        "consent-login-only",
        lambda: render_consent(
            ConsentPage(frame, "/oauth/authorize", HIDDEN, application, alice, asked[:1], "shop.example")
        ),
    )
    for wrong in DeviceTrouble:
        yield (
            f"device-{wrong or 'fresh'}",
            lambda wrong=wrong: render_device_code(
                DeviceCodePage(frame, "/oauth/device", HIDDEN, "WDJB-MJHX" if wrong else "", wrong, 30)
            ),
        )
    for allowed in (True, False):
        yield (
            f"device-{'allowed' if allowed else 'refused'}",
            lambda allowed=allowed: render_device_done(DeviceDonePage(frame, application, allowed)),
        )
    yield (
        "logout",
        lambda: render_confirm_logout(ConfirmLogoutPage(frame, "/oauth/logout", HIDDEN, alice, application)),
    )
    yield (
        "logged-out",
        lambda: render_signed_out(SignedOutPage(frame, application, "https://shop.example/")),
    )
    yield "logged-out-plain", lambda: render_signed_out(SignedOutPage(frame))
    for fault in Fault:
        yield (
            f"failure-{fault}",
            lambda fault=fault: render_failure(
                FailurePage(
                    frame,
                    fault,
                    "f0916861-c2cb-4731-a432-bbc2360e887f",
                    application,
                    "redirect_uri is wrong",
                    12,
                )
            ),
        )
    yield (
        "refused",
        lambda: render_refused(
            RefusedPage(
                frame, "f0916861-c2cb-4731-a432-bbc2360e887f", name, "/login/start?other=1&return=%2F"
            )
        ),
    )
    yield (
        "passing",
        lambda: render_passing(PassingPage(frame, application, "https://shop.example/callback", HIDDEN)),
    )
    sessions = (
        SeenSession("sid_1", True, FIREFOX, "203.0.113.7", NOW - 7200, NOW - 5),
        SeenSession("sid_2", False, IPHONE, "2001:db8::7", NOW - 86_400 * 3, NOW - 240),
        SeenSession("sid_3", False, name, "198.51.100.2", NOW - 86_400, NOW - 3600 * 20),
    )
    given = (
        GrantedApplication("grt_1", application, asked, NOW - 86_400 * 40),
        GrantedApplication("grt_2", "달시장 Market", asked[2:4], NOW - 3600),
    )
    logins = (
        LoggedInApplication("shop-app", "Shop on my phone", 1, NOW - 86_400 * 9, NOW - 40),
        LoggedInApplication("cli", name, 3, NOW - 86_400 * 20, NOW - 7200),
    )
    for notice in (None, *Notice):
        yield (
            f"account-{notice or 'fresh'}",
            lambda notice=notice: render_account(
                AccountPage(frame, HIDDEN, alice, given, logins, sessions, NOW, notice=notice)
            ),
        )
    yield (
        "account-empty",
        lambda: render_account(
            AccountPage(frame, HIDDEN, Person("dave"), (), (), sessions[:1], NOW, password_here=False)
        ),
    )
    for problem in PasswordTrouble:
        yield (
            f"password-{problem or 'fresh'}",
            lambda problem=problem: render_password(PasswordPage(frame, HIDDEN, alice, 15, problem, 200)),
        )
