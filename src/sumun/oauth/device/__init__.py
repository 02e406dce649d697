"""The device flow (RFC 8628): a device without a browser shows a short code, a person types it elsewhere and decides.

user_codes  the short code: its letters, how it is shown, how it is read
requests    what a device asked for and what a person said to that, in the store; how often a device may ask

Flow: /oauth/device_authorization -> requests <- /oauth/device (a person, logged in). The device asks the token endpoint
again and again (`grants.device_code`) until there is an answer.
"""
