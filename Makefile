# Verbs only; what they do is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help setup build lint test test-unit kernels demo run bench figures torture fuzz mutants clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: ## Install what this machine lacks (apt, npm)
	@scripts/setup.sh

build: setup ## Build the BPF object, the addon and the CLI
	@scripts/build.sh

lint: build ## Check formats, types and style
	@scripts/lint.sh

test: lint ## Install, build and pass every test
	@scripts/test.sh

kernels: export RINGWALL_KERNELS ?= 6.1 6.12
kernels: build ## Run the kernel tests in Debian's 6.1 and 6.12 kernels (qemu, hours)
	@scripts/kernels.sh

demo: build ## Show real traffic between namespaces under two groups
	@scripts/demo.sh

run: build ## Run the agent on this machine's own devices, from /etc/ringwall
	@bin/ringwall agent

bench: export RINGWALL_PEERS ?= 1
bench: build ## Measure this machine, peers side by side: a table, JSON and pictures in build/bench
	@scripts/bench.sh

figures: ## Take what the last bench measured into README.md and docs/figures
	@scripts/figures.sh

torture: build ## Fuzz, mutants, floods, each system call fails and is the last: hours (make test takes a sample)
	@scripts/torture.sh

fuzz: build ## Fuzz the verdict under sanitizers, 100 million programs (make test takes 10 seconds)
	@scripts/fuzz.sh

mutants: build ## Make every mistake in the BPF C, list those that nothing tells (ten minutes)
	@scripts/mutants.sh

clean: ## Remove what was built
	@rm -rf build src/kernel/layout.gen.ts
