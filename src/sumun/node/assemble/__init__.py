"""Puts concrete parts together. Whoever is put together here knows contracts only.

stores           what is kept in Valkey: the only file of `node/` that names concrete stores and throttles
shared           what every process of a node has open: directory, stores, changes
following        a memory that follows the news, and the recogniser on top of it
answering        the answerer of an answering process; identity_tokens: what it hands on to services
oauth            the OAuth server of the HTTP process, with its logins (logins) and who may register (registering)
back_channel     who tells clients of logouts

Plan + secrets + address of the store -> shared -> following -> answering | oauth.
"""
