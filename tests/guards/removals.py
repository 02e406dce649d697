"""The guards that are taken away one by one. `docs/security.md` says what each is for."""

from __future__ import annotations

from tests.guards.removal import Removal

DEVICE = "tests/conversations/oauth/test_device.py"
CODES = "tests/conversations/oauth/test_code_attacks.py"
PAGES = "tests/conversations/oauth/test_page_attacks.py"
ACCOUNT = "tests/conversations/oauth/test_account.py"
JWT = "tests/unit/tokens/test_jwt.py"
CSRF = "tests/unit/oauth/test_csrf.py"
SSO = "tests/conversations/oauth/test_single_sign_on.py"
LOGOUT = "tests/conversations/oauth/test_logout.py"
CERTIFICATES = "tests/conversations/oauth/test_certificates.py"
REQUEST = "tests/unit/oauth/test_authorization_request.py"

REMOVALS = (
    # The authorization code (RFC 9700 4.5, 4.8; RFC 7636)
    Removal(
        "code injection: PKCE is not verified",
        "oauth/grants/authorization_code.py",
        "or not _proves(verifier, code):",
        "or not verifier:",
        f"{CODES}::test_code_injection",
    ),
    Removal(
        "code replay: a code is good twice",
        "oauth/authorize/codes.py",
        "if found.used or not await self._store.swap(Kind.CODE, digest, found.stored, used):",
        "if not found.stored:",
        f"{CODES}::test_code_replay",
    ),
    Removal(
        "code replay: what the first use gave lives on",
        "oauth/grants/authorization_code.py",
        'await self._changes.end_family(found.code.family_id, "replayed", actor=f"client:{client.id}")',
        "pass",
        f"{CODES}::test_code_replay",
    ),
    Removal(
        "code injection: another client redeems it",
        "oauth/grants/authorization_code.py",
        "if found is None or found.code.client_id != client.id:",
        "if found is None:",
        f"{CODES}::test_code_of_another_client",
    ),
    Removal(
        "redirect tricks: the address of the exchange is not compared",
        "oauth/grants/authorization_code.py",
        'form.get("redirect_uri", code.redirect_uri) != code.redirect_uri or ',
        "",
        f"{CODES}::test_code_with_something_wrong",
    ),
    Removal(
        "PKCE downgrade: plain is taken",
        "oauth/authorize/request.py",
        'if parameters.get("code_challenge_method") != "S256":',
        'if parameters.get("code_challenge_method") == "":',
        REQUEST,
    ),
    Removal(
        "redirect tricks: an address that begins like a registered one is taken",
        "oauth/authorize/redirects.py",
        "any(one == given or",
        "any(given.startswith(one) or",
        "tests/unit/oauth/test_redirects.py",
    ),
    Removal(
        "mix-up: the answer does not say whose it is",
        "oauth/authorize/reply.py",
        ', "iss": issuer}',
        "}",
        "tests/unit/oauth/test_reply.py",
    ),
    # Forms (RFC 6749 10.12)
    Removal(
        "CSRF: the field of a form is not compared",
        "oauth/csrf.py",
        "if key is None or not hmac.compare_digest(_proof(key, purpose).encode(), proof.encode()):",
        "if key is None:",
        CSRF,
    ),
    Removal(
        "CSRF: what the browser says of itself is not looked at",
        "oauth/csrf.py",
        "if not _from_own_page(request):",
        "if False:",
        CSRF,
    ),
    # Pages between a request and its code (RFC 9700 4.7, 4.15, 4.16)
    Removal(
        "open redirect: an address that is none of the client's is answered",
        "oauth/authorize/request.py",
        "if not may_be_sent_to(address, client.redirect_uris):",
        "if not address:",
        f"{PAGES}::test_open_redirect",
    ),
    Removal(
        "login CSRF: a transaction goes on in another browser",
        "oauth/authorize/transactions.py",
        "if not hmac.compare_digest(transaction.browser, digest(browser)):",
        "if not browser:",
        f"{PAGES}::test_login_csrf_by_a_link",
    ),
    Removal(
        "session fixation: what was in the browser before a login is still good after it",
        "oauth/endpoints/login.py",
        "cookie=request.cookie(SESSION),",
        "",
        f"{PAGES}::test_session_fixation",
    ),
    Removal(
        "consent of somebody else: the form counts for whoever is logged in",
        "oauth/endpoints/consent.py",
        "if form is None or waiting.transaction.asked_user != considered.session.user_id:",
        "if form is None:",
        f"{PAGES}::test_somebody_else_logged_in_meanwhile",
    ),
    Removal(
        "clickjacking: a page may be framed",
        "pages/headers.py",
        """"frame-ancestors 'none'",""",
        "",
        f"{PAGES}::test_clickjacking",
    ),
    Removal(
        "XSS: what a client sent is markup",
        "pages/html.py",
        "autoescape=True,",
        "autoescape=False,",
        f"{PAGES}::test_state_in_form_post",
    ),
    Removal(
        "user enumeration: an unknown name costs no password check",
        "login/pipeline.py",
        "if outcome.owes_a_verification and not paid:",
        "if not outcome:",
        f"{PAGES}::test_user_enumeration",
    ),
    Removal(
        "a pushed request is good twice",
        "oauth/authorize/pushed.py",
        "await self._store.take(Kind.PUSHED,",
        "await self._store.get(Kind.PUSHED,",
        "tests/conversations/oauth/test_authorize_requests.py::test_pushed",
    ),
    # Signed tokens (RFC 8725)
    Removal(
        "algorithm confusion: the token chooses",
        "tokens/jws.py",
        "if key is None or header.alg != key.alg or",
        "if key is None or",
        f"{JWT}::test_the_key_decides_the_algorithm",
    ),
    Removal(
        "no signature is looked at",
        "tokens/jws.py",
        ' or not key.verifies(signature, f"{head}.{body}".encode("ascii"))',
        "",
        f"{JWT}::test_no_signature_is_a_bad_signature",
    ),
    Removal(
        "jku, jwk, x5u, crit: headers that we do not know are passed over",
        "tokens/jws.py",
        "found.keys() != _HEADER_MEMBERS",
        "not found.keys() >= _HEADER_MEMBERS",
        f"{JWT}::test_refuses_another_header",
    ),
    Removal(
        "one kind of token is taken for another",
        "tokens/jws.py",
        "if header is None or header.typ not in types:",
        "if header is None:",
        f"{JWT}::test_refuses_another_header",
    ),
    Removal(
        "oversize input is parsed",
        "tokens/jws.py",
        'if len(token) > MAX_CHARACTERS or token.count(".") != 2:',
        'if token.count(".") != 2:',
        f"{JWT}::test_the_size_is_looked_at_first",
    ),
    Removal(
        "somebody else's token: the issuer is not compared",
        "tokens/jwt.py",
        'if payload.get("iss") != issuer:',
        'if "iss" not in payload:',
        f"{JWT}::test_each_claim_is_looked_at",
    ),
    # Certificates of clients (RFC 8705)
    Removal(
        "stolen token: the certificate that it is bound to is not compared",
        "tokens/binding.py",
        "if evidence.proven.bound_to in proved:",
        "if proved:",
        "tests/unit/answers/test_answer.py::test_a_token_bound_to_a_certificate",
    ),
    Removal(
        "stolen token: what a call proved with its certificate is kept",
        "answers/answer.py",
        " and not evidence.bound_to and",
        " and",
        "tests/unit/answers/test_answer.py::test_a_token_bound_to_a_certificate",
    ),
    Removal(
        "stolen refresh token: a public client comes with another certificate",
        "oauth/certificates.py",
        " and before not in proved:",
        " and not proved:",
        f"{CERTIFICATES}::test_refreshing",
    ),
    Removal(
        "made-up certificate: nobody has to vouch for the name in it",
        "login/client_certificate.py",
        "if not shown.vouched_for:",
        "if False:",
        f"{CERTIFICATES}::test_refused",
    ),
    Removal(
        "made-up certificate: a thumbprint is not compared",
        "login/client_certificate.py",
        "return None if shown.thumbprint in known.values else",
        "return None if known.values else",
        f"{CERTIFICATES}::test_refused",
    ),
    Removal(
        "made-up certificate: trailers of a request are taken for words of HAProxy",
        "node/head_only.py",
        "if self._in_head:",
        "if True:",
        "tests/unit/node/test_head_only.py",
    ),
    Removal(
        "a TLS session takes a certificate to another listener",
        "haproxy/tls.py",
        '*(["tune.ssl.cachesize 0"] if len(tls) > 1 and asks_for_certificates(tls, tls) else []),',
        "",
        "tests/unit/haproxy/test_tls.py::test_sessions_are_resumed_where_nothing_is_carried_over",
    ),
    Removal(
        "no authority: HAProxy's verdict on the gateway's own file counts as a word",
        "haproxy/tls.py",
        'verified = "%[ssl_c_verify]" if one.clients.authorities else "-"',
        'verified = "%[ssl_c_verify]"',
        "tests/unit/haproxy/test_tls.py::test_who_is_believed",
    ),
    # Sessions, on one host and on many
    Removal(
        "login CSRF: the code that brings a session to a host is good in any browser",
        "oauth/handoff.py",
        "return found if hmac.compare_digest(found.browser, digest(browser)) else None",
        "return found",
        f"{SSO}::test_a_code_is_good_once_and_here",
    ),
    Removal(
        "stolen session: the code for one host is good at another",
        "oauth/handoff.py",
        " or found.origin != origin:",
        ":",
        f"{SSO}::test_a_code_is_good_once_and_here",
    ),
    Removal(
        "stolen session: the code for a host is good twice",
        "oauth/handoff.py",
        "take(Kind.HANDOFF, digest(code))",
        "get(Kind.HANDOFF, digest(code))",
        f"{SSO}::test_a_code_is_good_once_and_here",
    ),
    Removal(
        "stolen session: what the browser knows is taken for a code",
        "oauth/handoff.py",
        "and bool(found.session_id) is is_code",
        "",
        f"{SSO}::test_a_handle_is_no_code",
    ),
    Removal(
        "stolen session: a code is sent to whatever host the request names",
        "oauth/our_hosts.py",
        'return self._origins.get((host or "").lower())',
        'return f"https://{host}"',
        f"{SSO}::test_names_that_are_not_ours",
    ),
    Removal(
        "open redirect: the way back after a login leads to another host",
        "oauth/endpoints/single_sign_on.py",
        "if not is_path(return_to):",
        "if not return_to:",
        f"{SSO}::test_no_open_redirect",
    ),
    Removal(
        "a session outlives its person's password",
        "sessions/judge.py",
        "if session.who.login_epoch < standing.login_epoch:",
        "if not session.id:",
        "tests/unit/sessions/test_judge.py::test_ends_with_the_logins_of_its_person",
    ),
    Removal(
        "the idle limit does not hold: what HAProxy keeps of a session is never asked again",
        "answers/learned.py",
        "proven.expires_at if proven.kept_until is None else proven.kept_until",
        "proven.expires_at",
        "tests/unit/answers/test_learned.py::test_a_session_is_kept_for_a_while",
    ),
    Removal(
        "a session that is ended while it is looked up is let through",
        "recognition/session_looks.py",
        "        return Change(ChangeKind.TOKEN, self.session.id), subject",
        "        return ()",
        "tests/unit/recognition/test_session_looks.py::test_an_end_that_overtakes_the_look",
    ),
    Removal(
        "logout CSRF: any ID token will do",
        "oauth/endpoints/logout.py",
        "if asked.hinted == session.id:",
        "if asked.hinted:",
        f"{LOGOUT}::test_the_person_is_asked",
    ),
    Removal(
        "logout CSRF: another site's form logs people out",
        "oauth/endpoints/logout.py",
        "demand_own_form(request, form, _purpose(session))",
        "pass",
        f"{LOGOUT}::test_no_other_page_answers",
    ),
    Removal(
        "open redirect: a logout leads anywhere",
        "oauth/logout_request.py",
        "if address and client is not None and address not in client.post_logout_redirect_uris:",
        "if address and client is None:",
        f"{LOGOUT}::test_nobody_is_sent_elsewhere",
    ),
    # Devices (RFC 8628 5)
    Removal(
        "a device code of another client is redeemed",
        "oauth/grants/device_code.py",
        "if found is None or found.request.client_id != client.id:",
        "if found is None:",
        f"{DEVICE}::test_another_client",
    ),
    Removal(
        "device code replay: it is good twice",
        "oauth/grants/device_code.py",
        "if not await self._requests.redeem(found):",
        "if not found.stored:",
        f"{DEVICE}::test_from_beginning_to_end",
    ),
    Removal(
        "a device gets a token of somebody who has changed their password since",
        "oauth/grants/device_code.py",
        " or standing.login_epoch != approval.login_epoch:",
        ":",
        f"{DEVICE}::test_what_was_allowed_is_not_so_any_more",
    ),
    Removal(
        "user codes are guessed without end",
        "oauth/endpoints/device.py",
        "await self._guesses.failed(attempt)",
        "pass",
        f"{DEVICE}::test_guessing",
    ),
    Removal(
        "CSRF: another site's form, or one for another code, lets a device in",
        "oauth/endpoints/device.py",
        "demand_own_form(request, form, _purpose(session, user_code))",
        "pass",
        f"{DEVICE}::test_a_forged_form",
    ),
    # The account
    Removal(
        "CSRF: another session's form does something in this one",
        "oauth/account/visit.py",
        "demand_own_form(self.request, form, self._purpose)",
        "pass",
        f"{ACCOUNT}::test_forged_forms",
    ),
    Removal(
        "a person withdraws what another allowed",
        "oauth/account/applications.py",
        "grant = next((one for one in grants if one.id == wanted), None)",
        "grant = StoredGrant(str(wanted), '', '', frozenset(), frozenset(), 0, 0)",
        f"{ACCOUNT}::test_nobody_withdraws_for_another",
    ),
    Removal(
        "a person logs another out",
        "oauth/account/browsers.py",
        "if any(one.id == wanted for one in await self._sessions.of_user(visit.user_id)):",
        "if wanted:",
        f"{ACCOUNT}::test_nobody_withdraws_for_another",
    ),
    Removal(
        "whoever finds a browser changes the password",
        "oauth/account/password.py",
        "match await login.prove(proof):",
        "match Identified(user.id, '', visit.session.who.login_epoch):",
        f"{ACCOUNT}::test_a_password_that_is_not_changed",
    ),
    Removal(
        "a page says that something is gone while a process may still let it in",
        "oauth/account/settled.py",
        "if applied.unconfirmed:",
        "if not applied:",
        f"{ACCOUNT}::test_a_change_that_is_not_confirmed",
    ),
    Removal(
        "a name turns the writing of the page around",
        "pages/html.py",
        "finalize=_shown,",
        "",
        "tests/unit/pages/test_every_page.py::test_hostile_names",
    ),
    # Pages of other origins (Fetch 3.2)
    Removal(
        "a page of any origin reads what the token endpoint says",
        "oauth/cross_origin.py",
        'if origin is None or origin.decode("latin-1") not in allowed:',
        "if origin is None:",
        "tests/unit/oauth/test_cross_origin.py::test_another_origin",
    ),
)
