# Argosy. `make` alone lists what there is to do.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON  ?= python3
VENV    := .venv
RUN     := $(VENV)/bin/python
STAMP   := $(VENV)/.installed

DIR      ?= .local
CLUSTERS ?= 2
FLEET    := $(RUN) -m hack.fleet
UP_FLAGS := --clusters $(CLUSTERS) $(if $(filter 1,$(BARE)),--bare) $(if $(filter 0,$(ARGO)),--no-argo) $(if $(CRDS),--argo-crds $(CRDS))

# None is published. This name serves clusters that images are loaded into (kind, minikube); for others: registry/name:tag.
IMAGE  ?= argosy:0.1.0
DOCKER ?= docker

$(STAMP): pyproject.toml
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing Argosy and its tools into $(VENV) ..."
	@$(RUN) -m pip install --quiet --editable '.[dev]'
	@touch $@

.PHONY: help
help: ## this list
	@echo 'Argosy: Argo Workflows on many Kubernetes clusters, from one hub'
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo
	@echo 'settings: CLUSTERS=n  BARE=1 (none of ours)  ARGO=0 (no Argo controller)  CRDS=full|workflow|minimal (Argo's)  KEEP=1 (demo)  DIR=.local'

.PHONY: demo
demo: $(STAMP) ## a hub, two clusters, the examples, a live table; KEEP=1 leaves them running
	@$(FLEET) demo --dir $(DIR) --clusters $(CLUSTERS) $(if $(filter 1,$(KEEP)),--keep)

.PHONY: test
test: $(STAMP) ## all tests: unit, integration, end to end (TEST_CLUSTERS=containers or k3s for others)
	@$(RUN) -m pytest $(TESTS)

.PHONY: fuzz
fuzz: $(STAMP) ## throw hostile objects at a running hub and its agents: MINUTES=60 SEED=7
	@FUZZ_MINUTES=$(or $(MINUTES),1) FUZZ_SEED=$(or $(SEED),1) $(RUN) -m pytest tests/e2e/fuzz -s

.PHONY: up
up: $(STAMP) ## start the local fleet and return: hub, clusters, controllers, agents
	@$(FLEET) up --dir $(DIR) $(UP_FLAGS)

.PHONY: status
status: $(STAMP) ## what runs, where its log is
	@$(FLEET) status --dir $(DIR)

.PHONY: down
down: $(STAMP) ## stop the local fleet
	@$(FLEET) down --dir $(DIR)

.PHONY: run
run: $(STAMP) ## the three controllers, and registration in the same process, in the foreground, on KUBECONFIG
	@$(RUN) -m controllers run $(ARGS)

.PHONY: join
join: $(STAMP) ## ask to let a cluster in: CLUSTER=name HUB_KUBECONFIG=bootstrap (ACCEPT=1 with an administrator's)
	@test -n "$(CLUSTER)" && test -n "$(HUB_KUBECONFIG)" || \
	  { echo 'usage: make join CLUSTER=name HUB_KUBECONFIG=bootstrap.kubeconfig [ACCEPT=1]'; exit 2; }
	@$(RUN) -m agent join --cluster $(CLUSTER) --hub-kubeconfig $(HUB_KUBECONFIG) \
	  --out $(DIR)/$(CLUSTER).agent.kubeconfig $(if $(filter 1,$(ACCEPT)),--accept) $(ARGS)

.PHONY: agent
agent: $(STAMP) ## one agent in the foreground: CLUSTER=name HUB_KUBECONFIG=admin KUBECONFIG=managed
	@test -n "$(CLUSTER)" && test -n "$(HUB_KUBECONFIG)" && test -n "$(KUBECONFIG)" || \
	  { echo 'usage: make agent CLUSTER=name HUB_KUBECONFIG=hub.kubeconfig KUBECONFIG=cluster.kubeconfig'; exit 2; }
	@$(RUN) -m agent join --cluster $(CLUSTER) --hub-kubeconfig $(HUB_KUBECONFIG) --accept \
	  --out $(DIR)/$(CLUSTER).agent.kubeconfig
	@$(RUN) -m agent run --cluster $(CLUSTER) --hub-kubeconfig $(DIR)/$(CLUSTER).agent.kubeconfig \
	  --kubeconfig $(KUBECONFIG) $(ARGS)

.PHONY: leave
leave: $(STAMP) ## take a cluster off the hub of KUBECONFIG, once its agent has cleaned up: CLUSTER=name
	@test -n "$(CLUSTER)" || { echo 'usage: make leave CLUSTER=name KUBECONFIG=hub.kubeconfig'; exit 2; }
	@$(RUN) -m registration remove $(CLUSTER) $(if $(KUBECONFIG),--kubeconfig $(KUBECONFIG))

.PHONY: install
install: $(STAMP) ## the CRDs, on KUBECONFIG (ROLE=managed: only those of a managed cluster)
	@$(FLEET) crds install $(if $(KUBECONFIG),--kubeconfig $(KUBECONFIG)) $(if $(ROLE),--role $(ROLE))

.PHONY: uninstall
uninstall: $(STAMP) ## remove the CRDs, and with them all their objects, from KUBECONFIG
	@$(FLEET) crds uninstall $(if $(KUBECONFIG),--kubeconfig $(KUBECONFIG)) $(if $(ROLE),--role $(ROLE))

.PHONY: image
image: ## build the image that deploy/ runs: IMAGE=name:tag (PUSH=1 pushes it, too)
	@$(DOCKER) build --file deploy/Dockerfile --tag $(IMAGE) $(ARGS) .
	@$(if $(filter 1,$(PUSH)),$(DOCKER) push $(IMAGE))

.PHONY: deploy
deploy: $(STAMP) ## the CRDs, and the controllers in pods, on KUBECONFIG (OCM=1: on an OCM hub); IMAGE=name:tag
	@test -n "$(KUBECONFIG)" || \
	  { echo "usage: make deploy KUBECONFIG=hub.kubeconfig [IMAGE=name:tag] [OCM=1]"; exit 2; }
	@$(if $(filter 1,$(OCM)),:,$(FLEET) crds install --kubeconfig $(KUBECONFIG))
	@$(RUN) -m hack.deploy hub$(if $(filter 1,$(OCM)),-ocm) --kubeconfig $(KUBECONFIG) --image $(IMAGE) $(ARGS)

.PHONY: deploy-agent
deploy-agent: $(STAMP) ## run an agent in a pod: arguments as for agent, or BOOTSTRAP=bootstrap for HUB_KUBECONFIG; IMAGE=name:tag
	@test -n "$(CLUSTER)" && test -n "$(HUB_KUBECONFIG)$(BOOTSTRAP)" && test -n "$(KUBECONFIG)" || \
	  { echo "usage: make deploy-agent CLUSTER=name HUB_KUBECONFIG=hub.kubeconfig KUBECONFIG=cluster.kubeconfig" \
	    "[IMAGE=name:tag], or BOOTSTRAP=bootstrap.kubeconfig in place of HUB_KUBECONFIG"; exit 2; }
	@$(FLEET) crds install --kubeconfig $(KUBECONFIG) --role managed
ifeq ($(BOOTSTRAP),)
	@$(RUN) -m agent join --cluster $(CLUSTER) --hub-kubeconfig $(HUB_KUBECONFIG) --accept \
	  --out $(DIR)/$(CLUSTER).agent.kubeconfig
	@$(RUN) -m hack.deploy agent --cluster $(CLUSTER) --hub-kubeconfig $(DIR)/$(CLUSTER).agent.kubeconfig \
	  --kubeconfig $(KUBECONFIG) --image $(IMAGE) $(ARGS)
else
	@$(RUN) -m hack.deploy agent --cluster $(CLUSTER) --bootstrap-kubeconfig $(BOOTSTRAP) \
	  --kubeconfig $(KUBECONFIG) --image $(IMAGE) $(ARGS)
endif

.PHONY: undeploy
undeploy: $(STAMP) ## remove the controllers from KUBECONFIG; CRDs and Workflows stay
	@test -n "$(KUBECONFIG)" || { echo "usage: make undeploy KUBECONFIG=hub.kubeconfig"; exit 2; }
	@$(RUN) -m hack.deploy remove hub --kubeconfig $(KUBECONFIG)

.PHONY: undeploy-agent
undeploy-agent: $(STAMP) ## remove the agent from KUBECONFIG; what it has applied stays, what it claims goes
	@test -n "$(KUBECONFIG)" || { echo "usage: make undeploy-agent KUBECONFIG=cluster.kubeconfig"; exit 2; }
	@$(RUN) -m hack.deploy remove agent --kubeconfig $(KUBECONFIG)

.PHONY: manifests
manifests: $(STAMP) ## write crds/ anew from the typed models
	@$(RUN) -m controllers.api.manifests

.PHONY: lint
lint: $(STAMP) ## ruff, mypy, import-linter, and that crds/ is up to date
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(RUN) -m controllers.api.manifests --check

.PHONY: bench
bench: $(STAMP) ## measure the whole round trip against its ceiling (takes about 45 minutes); writes docs/performance.md
	@$(RUN) -m hack.bench run $(ARGS)

.PHONY: bench-quick
bench-quick: $(STAMP) ## one minute of it; fails if a Workflow costs more hub writes than before
	@$(RUN) -m hack.bench run --quick $(ARGS)

.PHONY: bench-compare
bench-compare: $(STAMP) ## the ratios of two results: OLD=benchmarks/result.json NEW=.local/bench/result.json
	@$(RUN) -m hack.bench compare $(OLD) $(NEW)

.PHONY: bench-placement
bench-placement: $(STAMP) ## what evaluating a Placement costs, on 100 to 10,000 clusters
	@$(RUN) -m hack.bench placement $(ARGS)

.PHONY: bench-scale
bench-scale: $(STAMP) ## placement on a real hub of 1,000 clusters (two minutes); writes docs/placement-at-scale.md
	@$(RUN) -m hack.bench scale $(ARGS)

.PHONY: bench-agent
bench-agent: $(STAMP) ## an agent on a cluster of 200 kinds and 20,000 objects (two minutes); writes docs/agent-at-scale.md
	@$(RUN) -m hack.bench agent $(ARGS)

.PHONY: bench-profile
bench-profile: $(STAMP) ## where the time goes: SCENARIO=burst-300-1c-2k under profilers
	@test -n "$(SCENARIO)" || { echo 'usage: make bench-profile SCENARIO=burst-300-1c-2k'; exit 2; }
	@$(RUN) -m hack.bench profile $(SCENARIO) $(ARGS)

.PHONY: clean
clean: ## remove the environment and the fleet's files (stops a fleet first)
	@if [ -x $(RUN) ]; then $(FLEET) down --dir $(DIR) || true; fi
	@rm -rf $(VENV) $(DIR) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
