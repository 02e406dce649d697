"""Grants: what a client may exchange for an access token (RFC 6749 section 1.3). One file for each.

grant                the contract: form and client in, Granted (whom it is for, which scopes) or an OAuthError out
password             RFC 6749 4.3, for first-party clients only
client_credentials   RFC 6749 4.4
refresh_token        RFC 6749 6; refreshing: rotation, one successor for all who show a token at the same time, replays

A grant decides who and how much; it never makes a token (`oauth.issue` does).
"""
