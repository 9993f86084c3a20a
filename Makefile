# headgate. Every target is what its line in `make` says; CI runs the same ones (.ci/run).

GO      ?= go
BIN     := bin/headgate
CONFIG  ?= config.toml.example

# How long each fuzz target runs, and what demo, run and the benchmarks get beside their defaults.
FUZZTIME   ?= 10s
DEMO_FLAGS ?=
BENCH      ?= .
BENCHCOUNT ?= 1
SOAK       ?= 10m
PUSHES     ?= 100000
STORY      ?= TestNoSampleLost|TestFullLoadUnderFaults|TestReloadUnderLoad|TestDroppedPackets|TestRollingRestart|TestDrain|TestPassedSocket
ARCHES     ?= amd64 arm64

# What `headgate version` says. Without git the fallbacks of the go command are used.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE    := $(shell date -u +%Y-%m-%dT%H:%M:%SZ)
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.buildDate=$(DATE)

.DEFAULT_GOAL := help

##@ Build

.PHONY: build
build: ## compile bin/headgate, static
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/headgate

.PHONY: run
run: build ## run with CONFIG (config.toml.example)
	$(BIN) run --config $(CONFIG)

.PHONY: demo
demo: build ## run on loopback before a stand-in for Cortex and show what two tenants see
	$(BIN) demo $(DEMO_FLAGS)

.PHONY: release
release: ## what is released, for ARCHES (amd64 arm64), with checksums: dist/
	GO='$(GO)' tools/package/release.sh $(ARCHES)

.PHONY: package
package: release ## a .deb and a .rpm of it, beside it
	GO='$(GO)' tools/package/package.sh $(ARCHES)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

##@ Check

.PHONY: test
test: ## all unit and integration tests, race detector on (needs a C compiler); what it cannot see, without
	CGO_ENABLED=1 $(GO) test -race ./...
	$(GO) test ./balancer/tcp

.PHONY: test-bench
test-bench: ## the benchmarks' own tests
	cd bench && $(GO) vet ./... && $(GO) test ./...

.PHONY: alloc
alloc: ## allocation tests, race detector off
	$(GO) test -count=1 -run 'Alloc' ./...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	@GO='$(GO)' tools/fuzz.sh $(FUZZTIME)

.PHONY: lint
lint: ## gofmt, vet, staticcheck, rules of the house
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	$(GO) test -run 'House|Imports|MeasuringModules|DocComment' ./cmd/headgate

.PHONY: e2e
e2e: build ## real Prometheus and real Cortex around bin/headgate (needs prometheus; builds Cortex the first time)
	cd e2e && $(GO) test -count=1 -timeout 30m ./...
	cd e2e/operator && $(GO) vet ./... && $(GO) test -count=1 -timeout 20m ./...
	cd e2e/collector && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: faults
faults: ## PUSHES (100,000) to three hosts for every fault that one of them can have: none may fail
	FAULT_PUSHES=$(PUSHES) $(GO) test -count=1 -timeout 24h -v -run TestPushesSurviveOneBadHost ./proxy

.PHONY: soak
soak: build ## break things for SOAK (10m) a story, every figure shown; STORY picks one, SEED repeats a run
	cd e2e && SOAK=$(SOAK) $(GO) test -count=1 -timeout 24h -v -run '$(STORY)' .

.PHONY: attack
attack: build ## pushes beside 2,000 slow heads and 400 slow bodies, for a minute and a half
	cd e2e && ATTACK=1 $(GO) test -count=1 -v -run TestPushesBesideAnAttack .

.PHONY: check
check: lint test alloc test-bench fuzz e2e ## everything that CI runs
	$(MAKE) demo DEMO_FLAGS=--once

##@ Measure

.PHONY: bench
bench: bench-micro bench-rivals bench-others bench-credentials ## everything that is measured, an hour and a half

.PHONY: bench-micro
bench-micro: ## micro-benchmarks (BENCH, BENCHCOUNT) into bench/results/micro.txt
	@mkdir -p bench/results
	$(GO) test -pgo=cmd/headgate/default.pgo -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) ./authcache/... ./balancer/... ./proxy/... > bench/results/micro.txt || { cat bench/results/micro.txt; exit 1; }
	@cat bench/results/micro.txt

.PHONY: pgo
pgo: build ## take the profile that the compiler gets for bin/headgate, a minute: cmd/headgate/default.pgo
	cd bench && $(GO) run . profile -headgate ../$(BIN) -scenarios push,query-1KiB -time 6s -o ../cmd/headgate/default.pgo

.PHONY: bench-deps
bench-deps: ## install what the rivals' benchmark wants (Debian)
	$(MAKE) -C bench deps

.PHONY: bench-rivals
bench-rivals: build ## pushes beside nginx, HAProxy and vmauth in one run, 23 minutes (see bench/README.md)
	$(MAKE) -C bench rivals

.PHONY: bench-others
bench-others: build ## queries, TLS and thousands of small pushes beside them, a quarter of an hour
	$(MAKE) -C bench others

.PHONY: bench-credentials
bench-credentials: build ## hashed and signed credentials, many tenants, cold start, wrong passwords, reload, fleet (see bench/README.md)
	$(MAKE) -C bench credentials

.PHONY: bench-quick
bench-quick: build ## the same in under a minute: shows that it works, proves nothing
	$(MAKE) -C bench quick

.PHONY: bench-compare
bench-compare: ## compare OLD and NEW, two results of make bench-micro
	$(GO) tool -modfile=tools/go.mod benchstat $(OLD) $(NEW)

##@ Write

.PHONY: golden
golden: ## rewrite expected files; read the diff before you commit
	$(GO) test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' authcache balancer cmd proxy | xargs -n 1 dirname | sort -u | sed 's|^|./|') -update

.PHONY: help
help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { print substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
