"""The shop's sumun.yaml, written into the data folder so that a visitor can read it and change it."""

from __future__ import annotations

from collections.abc import Mapping

SERVICES = ("products", "orders", "prices", "chat", "reports", "stats", "web", "my", "echo")

_TEMPLATE = """\
# The demo shop. Everything the gateway does for it is said here; `sumun check` and `sumun show` read this file.
listen: 127.0.0.1:{port}
internal: {{listen: 127.0.0.1:{internal_port}}}      # no token here: it only listens where the internal network is
operator: {{listen: 127.0.0.1:{operator_port}}}      # metrics

limits: {{decision_timeout: 2s}}                        # four times as long as usual: this computer has other work, too

services:
  products: {{url: http://127.0.0.1:{products}}}
  orders: {{url: http://127.0.0.1:{orders}, identity_token: always}}   # verifies who calls by signature
  prices: {{url: http://127.0.0.1:{prices}}}
  chat: {{url: http://127.0.0.1:{chat}}}
  reports: {{url: http://127.0.0.1:{reports}}}
  stats: {{url: http://127.0.0.1:{stats}}}
  web: {{url: http://127.0.0.1:{web}}}                # somebody else's web application, at /demo
  my: {{url: http://127.0.0.1:{my}}}                  # the shop's own pages, at /my
  echo: {{url: h2c://127.0.0.1:{echo}}}               # gRPC

permissions:                                          # what people are asked about, in words
  product:read: {{en: See the products, ko: 상품 보기}}
  product:create: {{en: Add products, ko: 상품 등록}}
  product:delete: {{en: Remove products, ko: 상품 삭제}}
  order:read: {{en: See the orders, ko: 주문 보기}}
  order:create: {{en: Place orders, ko: 주문하기}}
  report:read: {{en: Read the reports, ko: 보고서 읽기}}

roles:
  admin: ["product:*", "order:*", "report:*"]
  user: ["product:read", "order:read"]

routes:
  - {{path: /products, methods: [GET], service: products, require: product:read}}
  - {{path: /products, methods: [POST], service: products, require: product:create}}
  - {{path: "/products/{{id}}", methods: [GET], service: products, require: product:read}}
  - {{path: "/products/{{id}}", methods: [DELETE], service: products, require: product:delete}}
  - {{path: /orders, methods: [GET], service: orders, require: order:read}}
  - {{path: /orders, methods: [POST], service: orders, require: order:create}}
  - {{path: /prices, methods: [GET], service: prices}}             # says nothing: any valid token
  - {{path: /chat, methods: [GET], service: chat}}
  - {{path: /reports, methods: [GET], service: reports, require: report:read, tokens: [jwt]}}
  - {{path: "/demo.Echo/**", methods: [POST], service: echo}}
  - {{path: "/demo/**", methods: [GET], service: web, require: public}}
  - {{path: "/my/**", methods: [GET, POST], service: my, session: true}}  # a browser's login instead of a token
  - {{host: shop.localhost, path: "/my/**", methods: [GET, POST], service: my, session: true}}  # no second login
  - {{path: /my/office, methods: [GET], service: my, session: true, require: {{role: admin}}}}
  - {{path: /internal/stats, methods: [GET], service: stats, require: internal}}

login: [password, staff]
authenticators:
  staff: {{kind: http, url: "http://127.0.0.1:{staff}/authenticate", secret: "file:staff.secret", roles: [user]}}

clients:
  - id: shop-app
    kind: public
    first_party: true
    grants: [password, refresh_token]
    scopes: ["*:*"]
    token: opaque
    may_ask_for: [jwt]        # requested_token_type=urn:ietf:params:oauth:token-type:jwt
  - id: shop-web              # logs people in with their browser, and asks them what it may do
    name: Order Helper 주문 도우미
    kind: public
    grants: [authorization_code, refresh_token]
    redirect_uris: ["http://127.0.0.1:{port}/demo/callback"]
    scopes: ["product:*", "order:*"]
  - id: batch
    kind: confidential
    secret: "file:batch.secret"
    grants: [client_credentials]
    permissions: ["order:read"]
    scopes: ["order:read"]
"""


def write_settings(port: int, ports: Mapping[str, int]) -> str:
    """The YAML text. `ports` gives the port of each of SERVICES and of `staff`, the authentication server."""
    return _TEMPLATE.format(port=port, internal_port=port + 1, operator_port=port + 2, **ports)
