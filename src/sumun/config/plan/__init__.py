"""Plan: what the operator asked for, checked, complete and immutable. Data only.

Everything downstream (HAProxy's files, the policy, the login chains, the stores) is made from a Plan and from nothing
else of the YAML. Every part that causes output knows its place in the YAML. A Plan holds no secret: secrets are
references (`SecretRef`) that are resolved where they are used. It travels between processes as JSON (`config.wire`).

`plan` is the whole of it, and a file beside it holds each of its parts.
"""

from __future__ import annotations

from sumun.config.plan.clients import (
    DEVICE_CODE,
    KNOWN_GRANTS,
    TOKEN_EXCHANGE,
    CertificateBy,
    Client,
    ClientKind,
    KnownCertificates,
    Registration,
)
from sumun.config.plan.listeners import Address, CertificateFiles, ClientCertificates, Tls
from sumun.config.plan.logins import KEPT_OF_IDLE, Authenticator, SessionSettings
from sumun.config.plan.node import Limits, NodeSettings
from sumun.config.plan.place import NOWHERE, Note, Place
from sumun.config.plan.plan import Plan, has_browsers, takes_sessions
from sumun.config.plan.rate import Rate
from sumun.config.plan.routes import METHODS, OWN_PATHS, Route, Shadow
from sumun.config.plan.secret_ref import SecretRef
from sumun.config.plan.sentence import LANGUAGES, Sentence
from sumun.config.plan.services import ANY_ORIGIN, Cors, IdentityToken, Service, ServiceProtocol
from sumun.config.plan.tokens import RefreshSettings, TokenSettings

__all__ = [
    "ANY_ORIGIN",
    "DEVICE_CODE",
    "KEPT_OF_IDLE",
    "KNOWN_GRANTS",
    "LANGUAGES",
    "METHODS",
    "NOWHERE",
    "OWN_PATHS",
    "TOKEN_EXCHANGE",
    "Address",
    "Authenticator",
    "CertificateBy",
    "CertificateFiles",
    "Client",
    "ClientCertificates",
    "ClientKind",
    "Cors",
    "IdentityToken",
    "KnownCertificates",
    "Limits",
    "NodeSettings",
    "Note",
    "Place",
    "Plan",
    "Rate",
    "RefreshSettings",
    "Registration",
    "Route",
    "SecretRef",
    "Sentence",
    "Service",
    "ServiceProtocol",
    "SessionSettings",
    "Shadow",
    "Tls",
    "TokenSettings",
    "has_browsers",
    "takes_sessions",
]
