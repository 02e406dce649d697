"""WHAT A PERSON SEES: every page of the gateway, from a frozen value to HTML. Pure; no JavaScript is needed anywhere.

frame      what every page has: the locale, and where the page is found again
login      the login page                     consent   which application may do what; for devices too
device     the user code of a device          logout    may we log you out? and: you are logged out
failure    what went wrong, what to do, and the request id
refused    a page of a service behind the gate that somebody may not open (HAProxy shows it)
passing    a form that goes back to an application (`response_mode=form_post`)
account    /account: applications, sessions; and the change of the password

locale     which language; words_en, words_ko: all words, under the same keys
scopes     a scope in words: of the configuration's `permissions:`, or our own
headers    the header fields of every page: a strict Content-Security-Policy
assets     stylesheet and pictures under paths with the hash of what is in them
times      "3 minutes ago"         agent     "Firefox on Linux"        html   the templates

An endpoint makes a page's value and calls its `render_*`; it sends the text with `headers.page_headers()`. Texts from
outside (names of people and applications, scopes) are escaped when they are put in; nobody escapes before.
"""

from sumun.pages.account import (
    AccountPage,
    GrantedApplication,
    LoggedInApplication,
    Notice,
    PasswordPage,
    PasswordTrouble,
    SeenSession,
    render_account,
    render_password,
)
from sumun.pages.consent import ConsentPage, render_consent, ticked
from sumun.pages.device import (
    DeviceCodePage,
    DeviceDonePage,
    DeviceTrouble,
    render_device_code,
    render_device_done,
)
from sumun.pages.failure import FailurePage, Fault, render_failure
from sumun.pages.frame import Frame, Person
from sumun.pages.headers import form_target, page_headers
from sumun.pages.locale import Locale, chosen_locale
from sumun.pages.login import LoginPage, LoginTrouble, LoginWay, render_login
from sumun.pages.logout import ConfirmLogoutPage, SignedOutPage, render_confirm_logout, render_signed_out
from sumun.pages.passing import PassingPage, render_passing
from sumun.pages.refused import RefusedPage, render_refused
from sumun.pages.scopes import AskedPermission, asked_permissions

__all__ = [
    "AccountPage",
    "AskedPermission",
    "ConfirmLogoutPage",
    "ConsentPage",
    "DeviceCodePage",
    "DeviceDonePage",
    "DeviceTrouble",
    "FailurePage",
    "Fault",
    "Frame",
    "GrantedApplication",
    "Locale",
    "LoggedInApplication",
    "LoginPage",
    "LoginTrouble",
    "LoginWay",
    "Notice",
    "PassingPage",
    "PasswordPage",
    "PasswordTrouble",
    "Person",
    "RefusedPage",
    "SeenSession",
    "SignedOutPage",
    "asked_permissions",
    "chosen_locale",
    "form_target",
    "page_headers",
    "render_account",
    "render_confirm_logout",
    "render_consent",
    "render_device_code",
    "render_device_done",
    "render_failure",
    "render_login",
    "render_passing",
    "render_password",
    "render_refused",
    "render_signed_out",
    "ticked",
]
