# Jeton: what a developer types. CI types the same (.ci/run).

GO   ?= go
TOOL := $(GO) tool -modfile=tools/go.mod

# nginx and ip live where an ordinary user's PATH on Debian doesn't look.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## bin/jeton, one static binary; it tells its version from the commit it was built at
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/jeton ./cmd/jeton

.PHONY: check
check: check-modules check-house check-lint check-vulnerabilities ## everything but the tests: modules, house rules, linters, known vulnerabilities

.PHONY: check-modules
check-modules: # go.mod says what the code needs, and what was fetched is what go.sum says
	$(GO) mod tidy -diff
	$(GO) mod verify

.PHONY: check-house
check-house: # who may import whom, and what packages and files must be
	$(GO) test ./test/house

.PHONY: check-lint
check-lint: # gofumpt, go vet, staticcheck and the rest, as .golangci.yml says; `make fmt` mends the format
	$(TOOL) golangci-lint run ./...

.PHONY: check-vulnerabilities
check-vulnerabilities: # fails for a known one, not for an unreachable database
	tools/vulncheck.sh $(TOOL) govulncheck ./...

.PHONY: fmt
fmt: ## format the Go code
	$(TOOL) golangci-lint fmt ./...

# The race detector needs cgo. Nothing is taken from the cache: a test against real programs must meet them.
.PHONY: test
test: ## every test; installs from Debian's packages what they need and says so
	test/deps.sh
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 30m ./...

.PHONY: test-long
test-long: ## the same tests with more rounds, more rows, more kills
	test/deps.sh
	CGO_ENABLED=1 JETON_TEST_LONG=1 $(GO) test -race -count=1 -timeout 3h ./...

.PHONY: bench
bench: ## the benchmark, some ten minutes; the picture is in build
	@mkdir -p build
	$(GO) run ./bench -plot build/performance.svg

.PHONY: bench-docs
bench-docs: ## the same, and where the time goes, into docs/performance.md
	$(GO) run ./bench -into docs/performance.md -plot docs/performance.svg
	$(GO) run ./bench -profile -into docs/performance.md

.PHONY: bench-stores
bench-stores: ## what both stores take to issue, to look up and to rotate, for one caller, for sixteen and for sixty-four
	test/deps.sh
	$(GO) test -run '^$$' -bench 'BenchmarkStore$$' -benchtime 3s -count 3 ./internal/store/sqlite ./internal/store/postgres

.PHONY: bench-quick
bench-quick: ## the benchmark in short, to see that nothing fell; the picture is in build
	@mkdir -p build
	$(GO) run ./bench -quick -plot build/performance.svg

# COMPARE has flags, as COMPARE="-bench Decide -packages ./internal/authority -count 10".
.PHONY: bench-compare
bench-compare: ## the Go benchmarks beside those of another revision, in turn, by benchstat: BASE=main
	@test -n "$(BASE)" || { echo 'make bench-compare needs a revision: BASE=main' >&2; exit 2; }
	$(GO) run ./bench -compare "$(BASE)" $(COMPARE)

# GROWTH has flags, as GROWTH="-sizes 10000,100000 -stores sqlite", or GROWTH="-into docs/scale.md -plot docs/scale.svg" for the page.
# Ten million tokens take some 8 GB of $TMPDIR, and as much memory.
.PHONY: bench-growth
bench-growth: ## the same checks with ten thousand tokens and up to ten million, on both stores
	test/deps.sh
	@mkdir -p build
	$(GO) run ./bench -growth -plot build/scale.svg $(GROWTH)

.PHONY: bench-profile
bench-profile: ## where the time of a warm check goes, by a CPU profile under load
	$(GO) run ./bench -profile

# Without root it needs a system that lets users make namespaces. FAULTS has flags, as FAULTS="-seed 7 -for 2m -faults link-down".
.PHONY: faults
faults: ## break three nodes, PostgreSQL and nginx in every way for ten minutes; the report is in build/faults
	test/deps.sh
	$(GO) run ./test/faults/nodes $(FAULTS)
