"""Grants: what a client may exchange for an access token (RFC 6749 section 1.3). One file for each.

grant                the contract: form and client in, Granted (whom it is for, which scopes) or an OAuthError out
password             RFC 6749 4.3, for first-party clients only
client_credentials   RFC 6749 4.4
authorization_code   RFC 6749 4.1, with PKCE (RFC 7636)
device_code          RFC 8628 3.4
token_exchange       RFC 8693
refresh_token        RFC 6749 6; refreshing: rotation, one successor for all who show a token at the same time, replays

A new one is a file here, stands in `oauth.for_programs` (which mounts it and publishes its name), and in
`config.plan.clients` (so that a client of the file can list it).

A grant decides who and how much; it never makes a token (`oauth.issue` does).
"""
