# An index of the commands of this repository. Each target calls a script, and the script's first lines document it.

.DEFAULT_GOAL := help
.PHONY: help quickstart build release test test-fast clients bench install uninstall proto

help: ## prints this index
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## installs what is missing, builds, and shows the agent at work
	./scripts/quickstart

build: ## builds everything with tests, for debugging
	swift build --build-tests -Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error

release: ## builds the agent and the tool in their release form
	./scripts/build-release rlimitd rlimitctl

test: ## installs what is missing, lints, builds, and runs every test
	./scripts/test

test-fast: ## the same without the release build and the demonstration
	./scripts/test --fast

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
