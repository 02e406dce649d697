"""An authorization request (RFC 6749 4.1.1, OpenID Connect Core 3.1.2.1) held against its client. Pure.

In three steps, because each decides who may hear of what is wrong in the next:

    client_named(parameters)                    which client says it is asking           UntrustedRequestError
    reply_to(parameters, client)                may the answer go where it says?         UntrustedRequestError
    read_request(parameters, client, to)        what it asks for                         AuthorizationError

PKCE with S256 is required of every client (RFC 9700 2.1.1, OAuth 2.1 4.1.1); `plain` is refused, and so is a request
without `code_challenge_method`, which would mean `plain` (RFC 7636 4.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from sumun.directory.client import RegisteredClient
from sumun.identity import Permission
from sumun.identity.resource import is_resource
from sumun.oauth.authorize.errors import AuthorizationError, Refusal, Untrusted, UntrustedRequestError
from sumun.oauth.authorize.parameters import Parameters
from sumun.oauth.authorize.redirects import may_be_sent_to
from sumun.oauth.authorize.reply import ReplyTo, ResponseMode
from sumun.oauth.errors import InvalidScopeError, InvalidTargetError
from sumun.oauth.resources import MAX_RESOURCES, Resources
from sumun.oauth.scopes import asked_scopes

GRANT = "authorization_code"

# What the client gets back in an address, which the strictest of proxies cut at some 8 KiB.
MAX_STATE = 2048
MAX_NONCE = 512
MAX_HINT = 256
# What waits for a person is kept in the store, so a stranger does not choose how much: our ID tokens are smaller.
MAX_ID_TOKEN = 4096

_S256 = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url without padding: RFC 7636 4.2, RFC 7638
_VSCHAR = re.compile(r"[\x20-\x7e]*")  # RFC 6749 A.5
_SECONDS = re.compile(r"[0-9]{1,9}")

# OpenID Connect Core 6 and 7.2.1; RFC 9101. A request_uri of ours is exchanged for what it stands for before this.
_NOT_SUPPORTED = {
    "request": Refusal.REQUEST_NOT_SUPPORTED,
    "request_uri": Refusal.REQUEST_URI_NOT_SUPPORTED,
    "registration": Refusal.REGISTRATION_NOT_SUPPORTED,
}


class Prompt(StrEnum):
    """OpenID Connect Core 3.1.2.1."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks for, checked. Text that was not sent is empty, `max_age` None.

    scopes, openid   as `oauth.scopes.asked_scopes` gives them
    challenge        PKCE's, for S256
    dpop_jkt         the key that the code is to be bound to (RFC 9449 10)
    max_age          seconds since the person proved who they are, at most
    """

    client_id: str
    to: ReplyTo
    scopes: frozenset[Permission]
    openid: frozenset[str]
    challenge: str
    nonce: str = field(default="", repr=False)
    resources: tuple[str, ...] = ()
    dpop_jkt: str = ""
    prompt: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    acr_values: str = ""
    login_hint: str = field(default="", repr=False)
    id_token_hint: str = field(default="", repr=False)
    ui_locales: str = ""


def client_named(parameters: Parameters) -> str:
    """The client that the request names. Raises UntrustedRequestError."""
    client_id = parameters.get("client_id")
    if client_id is None:
        raise UntrustedRequestError(Untrusted.CLIENT, "client_id is missing or repeated")
    return client_id


def reply_to(parameters: Parameters, client: RegisteredClient) -> ReplyTo:
    """Where the answer goes. A mode or a state that cannot be used is left out here; `read_request` says so.

    Raises UntrustedRequestError.
    """
    address = parameters.get("redirect_uri")
    if address is None:
        raise UntrustedRequestError(Untrusted.REDIRECT, "redirect_uri is missing or repeated")
    if not may_be_sent_to(address, client.redirect_uris):
        raise UntrustedRequestError(Untrusted.REDIRECT, "redirect_uri is none of the client's")
    mode = parameters.get("response_mode") or ""
    state = parameters.get("state") or ""
    return ReplyTo(
        address,
        ResponseMode(mode) if mode in set(ResponseMode) else ResponseMode.QUERY,
        state if _is_state(state) else "",
    )


def read_request(parameters: Parameters, client: RegisteredClient, to: ReplyTo) -> AuthorizationRequest:
    """The request. Raises AuthorizationError."""
    _refuse_what_is_not_supported(parameters)
    if GRANT not in client.grants:
        raise AuthorizationError(Refusal.UNAUTHORIZED_CLIENT, "this client does not list authorization_code")
    _refuse_other_responses(parameters)
    try:
        scopes, openid = asked_scopes(parameters.get("scope"), client.scopes)
    except InvalidScopeError as error:
        raise AuthorizationError(Refusal.INVALID_SCOPE, str(error)) from None
    return AuthorizationRequest(
        client_id=client.id,
        to=to,
        scopes=scopes,
        openid=openid,
        challenge=_challenge(parameters),
        nonce=_text(parameters, "nonce", MAX_NONCE),
        resources=_resources(parameters.resources),
        dpop_jkt=_thumbprint(parameters),
        prompt=_prompt(parameters),
        max_age=_max_age(parameters),
        acr_values=_text(parameters, "acr_values", MAX_HINT),
        login_hint=_text(parameters, "login_hint", MAX_HINT),
        id_token_hint=_text(parameters, "id_token_hint", MAX_ID_TOKEN),
        ui_locales=_text(parameters, "ui_locales", MAX_HINT),
    )


def require_known(asked: AuthorizationRequest, resources: Resources) -> None:
    """Refuse a request for a service that there is not. Raises AuthorizationError."""
    try:
        resources.known(asked.resources)
    except InvalidTargetError as error:
        raise AuthorizationError(Refusal.INVALID_TARGET, str(error)) from None


def _refuse_what_is_not_supported(parameters: Parameters) -> None:
    if parameters.repeated:
        # RFC 6749 3.1: "Request and response parameters MUST NOT be included more than once."
        raise _invalid("a parameter is there more than once")
    for name, refusal in _NOT_SUPPORTED.items():
        if parameters.get(name) is not None:
            raise AuthorizationError(refusal, f"{name} is not supported here")
    if not _is_state(parameters.get("state") or ""):
        raise _invalid(f"state is longer than {MAX_STATE} characters or not printable ASCII")


def _refuse_other_responses(parameters: Parameters) -> None:
    kind = parameters.get("response_type")
    if kind is None:
        raise _invalid("response_type is missing")
    if kind != "code":
        raise AuthorizationError(Refusal.UNSUPPORTED_RESPONSE_TYPE, "response_type is code here")
    mode = parameters.get("response_mode")
    if mode is not None and mode not in set(ResponseMode):
        raise _invalid(f"response_mode is one of {', '.join(ResponseMode)}")


def _challenge(parameters: Parameters) -> str:
    challenge = parameters.get("code_challenge")
    if challenge is None:
        raise _invalid("code_challenge is missing: PKCE is required (RFC 7636)")
    if parameters.get("code_challenge_method") != "S256":
        raise _invalid("code_challenge_method is S256 here")
    if _S256.fullmatch(challenge) is None:
        raise _invalid("code_challenge is not the base64url of a SHA-256")
    return challenge


def _thumbprint(parameters: Parameters) -> str:
    jkt = parameters.get("dpop_jkt") or ""
    if jkt and _S256.fullmatch(jkt) is None:
        raise _invalid("dpop_jkt is not the base64url of a SHA-256")
    return jkt


def _prompt(parameters: Parameters) -> frozenset[Prompt]:
    words = parameters.get("prompt")
    if words is None:
        return frozenset()
    try:
        prompt = frozenset(map(Prompt, words.split(" ")))
    except ValueError:
        raise _invalid(f"prompt is one or more of {', '.join(Prompt)}") from None
    if Prompt.NONE in prompt and len(prompt) > 1:
        raise _invalid("prompt none stands alone")
    return prompt


def _max_age(parameters: Parameters) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if _SECONDS.fullmatch(text) is None:
        raise _invalid("max_age is a number of seconds")
    return int(text)


def _resources(resources: tuple[str, ...]) -> tuple[str, ...]:
    if len(resources) > MAX_RESOURCES or not all(map(is_resource, resources)):
        # RFC 8707 2: "an absolute URI [...] MUST NOT include a fragment component".
        raise AuthorizationError(
            Refusal.INVALID_TARGET, "a resource is an absolute URI without a fragment; few of them"
        )
    return resources


def _text(parameters: Parameters, name: str, most: int) -> str:
    value = parameters.get(name) or ""
    if len(value) > most:
        raise _invalid(f"{name} is longer than {most} characters")
    return value


def _is_state(state: str) -> bool:
    return len(state) <= MAX_STATE and _VSCHAR.fullmatch(state) is not None


def _invalid(sentence: str) -> AuthorizationError:
    return AuthorizationError(Refusal.INVALID_REQUEST, sentence)
