# Everything has its door here; `make help` lists the doors.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED := 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TAGS :=
# The admin is built in when it is there; everything else needs no Node.
ifneq ($(wildcard admin-ui/package.json),)
TAGS := -tags embedui
endif

.PHONY: help
help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build and serve the demo with its data in ./data; prints the address, the first password and an API token
	@./bin/palabre serve --demo

.PHONY: dev
dev: ## serve the demo from the sources, with what is logged for developers
	@go run ./cmd/palabre serve --demo --log-level debug

.PHONY: build
build: admin-ui ## build ./bin/palabre, one static binary
	@go build -trimpath $(TAGS) -ldflags "$(LDFLAGS)" -o bin/palabre ./cmd/palabre

.PHONY: admin-ui
admin-ui:
	@if [ -f admin-ui/package.json ]; then cd admin-ui && npm ci --no-audit --no-fund && npm run build; fi

.PHONY: test
test: browser ## run all tests, none of them skipped for want of a server or a browser
	@PALABRE_TEST_REQUIRE=ferretdb,chromium go test -tags failpoint -timeout 15m ./...

# What the tests in a browser need: Debian's Chromium, and what drives it.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || { as=; [ "$$(id -u)" = 0 ] || as=sudo; $$as apt-get update -q && $$as apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; }
	@cd plugins/geo/web && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }

.PHONY: lint
lint: ## check the format, vet, staticcheck, who may import whom, and who may dial
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not formatted (run make format):"; echo "$$unformatted"; exit 1; fi
	@go vet ./...
	@go tool staticcheck ./...
	@go test -count=1 -run 'TestImports|TestDriversStayInside|TestPackageComments|TestNoInit|TestOneDialer' ./core

.PHONY: format
format: ## format the Go files
	@gofmt -w $$(git ls-files '*.go')

.PHONY: bench
bench: build ## measure against the targets (ENTRIES=10000 by default)
	@./bin/palabre bench --entries $(or $(ENTRIES),10000)

.PHONY: golden
golden: ## rewrite the golden files from what the tests get now
	@PALABRE_TEST_GOLDEN=write go test -count=1 -run Readme ./cmd/palabre
	@go test -count=1 ./core/internal/shipped -update
	@PALABRE_TEST_GOLDEN=write go test -count=1 -run TestEvents ./core/plugin
	@PALABRE_TEST_GOLDEN=write go test -count=1 -run TestDeliver_golden ./plugins/webhooks
	@git status --short -- README.md '*golden*' 'schemas/testdata'

.PHONY: clean
clean: ## remove what was built; ./data stays
	@rm -rf bin dist
