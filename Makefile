# An index of the commands of this repository. Each target calls a script, and the script's first lines document it.

.DEFAULT_GOAL := help
.PHONY: help quickstart build release lint test test-fast test-full clients bench install uninstall proto

help: ## prints this index
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## installs missing packages, builds, and demonstrates the agent
	./scripts/quickstart

build: ## builds everything with tests, for debugging
	swift build --build-tests -Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error

release: ## builds the agent and the tool in their release form
	./scripts/build-release rlimitd rlimitctl

lint: ## runs the static checks
	./scripts/lint

test: ## installs missing packages, runs the static checks, builds, and runs every test
	./scripts/test

test-fast: ## the same without the release build, the demonstration and the units
	./scripts/test --fast

test-full: ## the same with the long tests: a busy machine, repetitions, counts (75 minutes)
	./scripts/test --full

clients: ## builds and tests the clients in C, Go and Python, and the preload library
	./clients/test

bench: ## measures agent and client beside plain C (as root)
	./Benchmarks/run

install: ## installs the release build on this machine (as root)
	./scripts/install

uninstall: ## removes what `make install` installed, except the policy (as root)
	./scripts/install --uninstall

proto: ## generates the code for the protocol's messages
	./scripts/generate-proto
