# Two commands: make demo, make test. `make help` lists the rest.
# What a line after ## says stands there in English and in Korean; help prints the one of the terminal's language.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint unit live soak bench lock clean venv clients servers

PORT ?= 8080
DATA ?=
T ?=
export PORT DATA
bin := .venv/bin
# Asked only when there is no .venv yet, together with the other packages: one apt-get, one password.
first := $(if $(wildcard .venv/.foundation),,python-venv)

help: ## list what make can do | make 가 할 수 있는 일
	@awk -v ko="$${LC_ALL:-$${LC_MESSAGES:-$$LANG}}" '/^[a-z]+:.*## / { name = $$1; sub(/:$$/, "", name); sub(/^.*## /, ""); \
	  split($$0, text, / \| /); printf "  make %-6s %s\n", name, ko ~ /^ko/ ? text[2] : text[1] }' Makefile

demo: ## start the gateway with a little shop behind it (PORT=8080 DATA=folder) | 작은 쇼핑몰을 뒤에 두고 게이트웨이를 시작 (PORT=8080 DATA=폴더)
	@scripts/install-system haproxy curl $(first)
	@scripts/make-venv all
	@exec $(bin)/python -m sumun demo --port "$$PORT" $${DATA:+--data "$$DATA"}

test: servers clients ## install what the tests need, check the code, run all tests (T=path for some) | 필요한 것을 설치하고 코드 검사와 모든 시험을 실행 (T=경로 는 일부만)
	@$(MAKE) --no-print-directory lint
	@exec scripts/run-tests $(T)

lint: venv ## style, types, who imports whom, no addresses in locks | 문법, 타입, 가져오기 방향, 잠금 파일 검사
	@$(bin)/ruff check
	@$(bin)/ruff format --check --quiet || { $(bin)/ruff format --check; exit 1; }
	@$(bin)/mypy
	@$(bin)/lint-imports --no-cache --no-logo
	@! grep -nE '://|index|@ ' requirements/*.lock
	@! grep -nE '://|"resolved"' tests/clients/package-lock.json

unit: venv ## tests that need no server, in seconds | 서버가 필요 없는 시험만, 몇 초
	@exec $(bin)/python -m pytest -m "not live and not soak" $(T)

live: servers clients ## tests against real HAProxy and Valkey | 진짜 HAProxy, Valkey 와 함께 하는 시험
	@exec $(bin)/python -m pytest -m "live and not soak" $(T)

soak: servers clients ## tests that run for minutes on purpose | 일부러 몇 분씩 도는 시험
	@scripts/install-system nginx wrk
	@$(bin)/python -m pytest -m soak --timeout 3600 -o faulthandler_timeout=0 $(T)
	@$(if $(T),,exec $(bin)/python -m pytest -m "not live and not soak" -n auto --timeout 3600 --hypothesis-profile "by chance" tests/unit tests/fuzz)

bench: servers venv ## measurements, as ratios; nothing else should run meanwhile (T=bench/x.py for one, BENCH=long) | 성능 측정 (비율로). 다른 일이 돌지 않을 때 실행하세요 (T=bench/x.py 는 하나만, BENCH=long 은 길게)
	@scripts/install-system nginx wrk
	@for script in $(or $(T),bench/*.py); do echo "== $$script"; PYTHONPATH=. $(bin)/python "$$script" || exit 1; done

lock: ## renew requirements/*.lock after a change of pyproject.toml (UPGRADE=1: newest versions) | pyproject.toml 을 바꾼 뒤 잠금 파일을 다시 만듦 (UPGRADE=1: 최신 버전)
	@scripts/make-locks $(if $(UPGRADE),--upgrade)

clean: ## remove what make made: .venv, caches | make 가 만든 것을 지움: .venv, 캐시
	@rm -rf .venv .venv.lock tests/clients/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

venv: # .venv with everything for development
	@scripts/make-venv dev

clients: venv # OAuth clients that we did not write, for the tests
	@scripts/make-clients

servers: # what the tests talk to
	@scripts/install-system haproxy postgresql git curl chromium libfaketime $(first)
