"""What the demo says to a person, in English and Korean."""

from __future__ import annotations

import os
from collections.abc import Mapping

_ENGLISH = """\
sumun is ready on {base}
  configuration   {settings}
  logs            {log}/access.log (calls)   {log}/sumun.log (the gateway)
  people          alice (admin)   bob (user)   carol (may create products)   dave (known to another server)
                  password of each: NAME-demo-pass

Try it (copy and paste):

  # log in as alice; the gateway issues the token
  TOKEN=$(curl -s {base}/oauth/token -d grant_type=password -d client_id=shop-app \\
    -d username=alice -d password=alice-demo-pass | {pick})

  # or in a browser: {base}/my    (the shop's own pages: log in as bob; the browser's login does instead of a token)
  #                  {base}/demo  (somebody else's application: refuse one of the permissions, see what it may do then)

  # let in, and the service is told who calls
  curl -s {base}/products -H "Authorization: Bearer $TOKEN"
  curl -s {base}/products -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"name":"pear"}}'
  curl -s -X DELETE {base}/products/4 -H "Authorization: Bearer $TOKEN"

  # refused, each for its reason: no token (401), bob may not create (403), no such page (404), wrong method (405)
  curl -si {base}/products
  BOB=$(curl -s {base}/oauth/token -d grant_type=password -d client_id=shop-app \\
    -d username=bob -d password=bob-demo-pass | {pick})
  curl -si {base}/products -H "Authorization: Bearer $BOB" -d '{{}}'
  curl -si {base}/nowhere
  curl -si -X PUT {base}/products

  # a program with its own permission; orders verifies who calls by signature
  BATCH=$(curl -s {base}/oauth/token -u batch:batch-demo-secret -d grant_type=client_credentials | {pick})
  curl -s {base}/orders -H "Authorization: Bearer $BATCH"

  # reports takes JWTs only
  JWT=$(curl -s {base}/oauth/token -d grant_type=password -d client_id=shop-app -d username=alice \\
    -d password=alice-demo-pass -d requested_token_type=urn:ietf:params:oauth:token-type:jwt | {pick})
  curl -s {base}/reports -H "Authorization: Bearer $JWT"

  # server-sent events; a WebSocket; the internal listener, which needs no token
  curl -sN --max-time 3 {base}/prices -H "Authorization: Bearer $TOKEN"
  curl -siN --max-time 2 {base}/chat -H "Authorization: Bearer $TOKEN" -H 'Connection: Upgrade' \\
    -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c3VtdW4gZGVtbyBrZXkgMQ==' --output -
  curl -s {internal}/internal/stats

  # revoke: refused from the next call on
  curl -s {base}/oauth/revoke -d client_id=shop-app --data-urlencode token=$TOKEN
  curl -si {base}/products -H "Authorization: Bearer $TOKEN"

  # change people while it runs
  {sumun} user grant bob --role admin

Ctrl-C stops it{and_removes}.
"""

_KOREAN = """\
sumun이 {base} 에서 준비되었습니다
  설정       {settings}
  로그       {log}/access.log (호출)   {log}/sumun.log (게이트웨이)
  사람       alice (admin)   bob (user)   carol (상품 등록 권한만)   dave (다른 인증 서버가 아는 사람)
             비밀번호는 모두 이름-demo-pass

해 보세요 (복사해서 붙여 넣기):

  # alice로 로그인: 토큰은 게이트웨이가 발급합니다
  TOKEN=$(curl -s {base}/oauth/token -d grant_type=password -d client_id=shop-app \\
    -d username=alice -d password=alice-demo-pass | {pick})

  # 브라우저로: {base}/my    (가게의 페이지: bob으로 로그인하세요. 브라우저의 로그인이 토큰을 대신합니다)
  #             {base}/demo  (다른 사람의 애플리케이션: 권한 하나를 거절하고, 무엇을 할 수 있는지 보세요)

  # 들여보내고, 서비스에 누가 불렀는지 알려 줍니다
  curl -s {base}/products -H "Authorization: Bearer $TOKEN"
  curl -s {base}/products -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"name":"pear"}}'
  curl -s -X DELETE {base}/products/4 -H "Authorization: Bearer $TOKEN"

  # 이유를 말하며 거절합니다: 토큰 없음(401), bob은 등록할 수 없음(403), 없는 경로(404), 잘못된 메서드(405)
  curl -si {base}/products
  BOB=$(curl -s {base}/oauth/token -d grant_type=password -d client_id=shop-app \\
    -d username=bob -d password=bob-demo-pass | {pick})
  curl -si {base}/products -H "Authorization: Bearer $BOB" -d '{{}}'
  curl -si {base}/nowhere
  curl -si -X PUT {base}/products

  # 자기 권한을 가진 프로그램; orders는 부른 이를 서명으로 확인합니다
  BATCH=$(curl -s {base}/oauth/token -u batch:batch-demo-secret -d grant_type=client_credentials | {pick})
  curl -s {base}/orders -H "Authorization: Bearer $BATCH"

  # reports는 JWT만 받습니다
  JWT=$(curl -s {base}/oauth/token -d grant_type=password -d client_id=shop-app -d username=alice \\
    -d password=alice-demo-pass -d requested_token_type=urn:ietf:params:oauth:token-type:jwt | {pick})
  curl -s {base}/reports -H "Authorization: Bearer $JWT"

  # 서버 전송 이벤트, 웹소켓, 그리고 토큰이 필요 없는 내부 리스너
  curl -sN --max-time 3 {base}/prices -H "Authorization: Bearer $TOKEN"
  curl -siN --max-time 2 {base}/chat -H "Authorization: Bearer $TOKEN" -H 'Connection: Upgrade' \\
    -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c3VtdW4gZGVtbyBrZXkgMQ==' --output -
  curl -s {internal}/internal/stats

  # 폐기: 바로 다음 호출부터 거절됩니다
  curl -s {base}/oauth/revoke -d client_id=shop-app --data-urlencode token=$TOKEN
  curl -si {base}/products -H "Authorization: Bearer $TOKEN"

  # 돌아가는 동안 사람을 바꿉니다
  {sumun} user grant bob --role admin

Ctrl-C로 멈춥니다{and_removes}.
"""


def speaks_korean(environment: Mapping[str, str] = os.environ) -> bool:
    """True when the visitor's locale is Korean (POSIX: LC_ALL, then LC_MESSAGES, then LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return value.lower().startswith("ko")
    return False


def welcome(*, korean: bool, port: int, settings: str, log: str, sumun: str, removes: bool) -> str:
    """The text that is printed when the demo is ready. `sumun` is a command line that works here."""
    english_end, korean_end = (
        (" and removes its data folder", "; 데이터 폴더도 지웁니다") if removes else ("", "")
    )
    return (_KOREAN if korean else _ENGLISH).format(
        base=f"http://127.0.0.1:{port}",
        internal=f"http://127.0.0.1:{port + 1}",
        settings=settings,
        log=log,
        pick=r"""sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'""",
        sumun=sumun,
        and_removes=korean_end if korean else english_end,
    )
