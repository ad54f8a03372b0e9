# Lamina. `make demo` and `make test` do all of the set-up on a fresh Debian machine with a Swift toolchain.

# Debian packages: libraries that are linked, OpenBLAS that is loaded, the demo's data and its picture tool.
PACKAGES = libopenblas0-pthread libzip-dev libyaml-dev libdnnl-dev libpng-dev libjpeg62-turbo-dev zlib1g-dev nettle-dev pkg-config \
	dataset-fashion-mnist netpbm

# The instruction-set level of this machine. `make LEVEL=x86-64-v2 …` builds for older ones.
LEVEL ?= $(shell ./.ci/level)

# SwiftPM caches the manifest by its text, but ours also looks at which plugin folders exist.
SWIFT_FLAGS = --manifest-cache none -c release -Xswiftc -enable-testing $(if $(filter x86-64-%,$(LEVEL)),-Xcc -march=$(LEVEL))
OUT = .build/release
LAMINA = $(OUT)/lamina
PREFIX ?= /usr/local

# Two builds of one package at once would wait for each other, and bundles need the build.
.NOTPARALLEL:
.PHONY: all setup build bundles variants demo bench test build-tests test-variants build-variants check install clean

all: build bundles

# Installs what is missing and says what.
setup:
	@missing=""; for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q "ok installed" || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing Debian packages:$$missing"; \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq $$missing; \
	fi
	@command -v swift >/dev/null || { echo "there is no Swift toolchain: install Swift 6.2 or later from swift.org" >&2; exit 1; }

build: setup
	swift build $(SWIFT_FLAGS)

# A bundle per family beside the executable, where the command finds it.
bundles:
	@rm -rf $(OUT)/*.laminaplugin
	@for folder in Plugins/*/; do \
	  family=$$(basename $$folder); library=$(OUT)/lib$${family}Plugin.so; \
	  [ -e $$library ] || continue; \
	  name=$$(echo $$family | tr A-Z a-z); \
	  benchmarks=""; [ ! -d $${folder}Benchmarks ] || benchmarks="--benchmarks $${folder}Benchmarks"; \
	  $(LAMINA) plugin bundle $(LEVEL)=$$library $$benchmarks -o $(OUT)/$$name.laminaplugin || exit 1; \
	done

# Bundles with a library per instruction-set level, of which the host takes the best: for other machines than this one.
# The command itself is built for LEVEL: make variants LEVEL=x86-64-v2
VARIANTS = x86-64-v2 x86-64-v3 x86-64-v4
variants: build bundles
	@for folder in Plugins/*/; do family=$$(basename $$folder); name=$$(echo $$family | tr A-Z a-z); \
	  [ -e $(OUT)/lib$${family}Plugin.so ] || continue; \
	  libraries=""; \
	  for level in $(VARIANTS); do \
	    swift build --manifest-cache none -c release -Xcc -march=$$level --scratch-path .build/$$level \
	      --product $${family}Plugin || exit 1; \
	    libraries="$$libraries $$level=.build/$$level/release/lib$${family}Plugin.so"; \
	  done; \
	  benchmarks=""; [ ! -d $${folder}Benchmarks ] || benchmarks="--benchmarks $${folder}Benchmarks"; \
	  $(LAMINA) plugin bundle $$libraries $$benchmarks -o $(OUT)/$$name.laminaplugin || exit 1; \
	done

# Trains on all 60,000 images of Fashion-MNIST, then predicts test images from PNG files in a new process.
demo: build bundles
	$(LAMINA) train Plugins/CNN/Recipes/fashion-mnist.yaml -o fashion-mnist.lamina
	@rm -rf demo-images && mkdir demo-images
	@images=$$(dpkg -L dataset-fashion-mnist | grep t10k-images); \
	for i in 0 1 2 3 4 5 6 7; do \
	  zcat $$images | tail -c +$$((17 + 784 * i)) | head -c 784 | rawtopgm 28 28 | pnmtopng -quiet > demo-images/test-$$i.png; \
	done
	$(LAMINA) eval fashion-mnist.lamina
	$(LAMINA) predict fashion-mnist.lamina demo-images/*.png

# Times the workloads; Tests/Benchmarks/compare.py does so beside PyTorch and ONNX Runtime.
bench: build bundles
	$(LAMINA) bench

# All tests, one after the other: they share the threads, the stop flag and the allocation counter of one process.
test: setup check build-tests
	@$(MAKE) --no-print-directory bundles
	swift test $(SWIFT_FLAGS) --skip-build --no-parallel
	swift test --package-path SDK $(SWIFT_FLAGS)
	@$(MAKE) --no-print-directory -C SDK check-examples

build-tests: setup
	swift build $(SWIFT_FLAGS) --build-tests

# The tests of kernels, of layers and of whole networks against PyTorch again with all of the plugins' code for older processors, of
# which bundles may have variants; oneDNN is held to the same instructions.
DNNL_x86-64-v2 = SSE41
DNNL_x86-64-v3 = AVX2
test-x86-64-% build-x86-64-%: VARIANT_FLAGS = --scratch-path .build/x86-64-$*-tests --manifest-cache none -c release \
	-Xswiftc -enable-testing -Xcc -march=x86-64-$*
test-variants: setup $(foreach level,$(VARIANTS),test-$(level))
test-x86-64-%: build-x86-64-%
	@if [ x86-64-$* \< $(LEVEL) ]; then export DNNL_MAX_CPU_ISA=$(DNNL_x86-64-$*); \
	  echo "testing the plugins with code for x86-64-$*"; \
	  LAMINA_VARIANT=1 swift test $(VARIANT_FLAGS) --skip-build --no-parallel || exit 1; \
	  bundles=$(CURDIR)/.build/x86-64-$*-bundles; rm -rf $$bundles; mkdir -p $$bundles; cp $(LAMINA) $$bundles; \
	  for library in .build/x86-64-$*-tests/release/lib*Plugin.so; do \
	    name=$$(basename $$library Plugin.so | cut -c4- | tr A-Z a-z); \
	    $(LAMINA) plugin bundle x86-64-$*=$$library -o $$bundles/$$name.laminaplugin || exit 1; \
	  done; \
	  echo "testing whole networks with code for x86-64-$*"; \
	  LAMINA_COMMAND=$$bundles/lamina swift test $(SWIFT_FLAGS) --skip-build --no-parallel --filter EndToEndTests.GoldenTests; fi

# Their builds alone, which want nothing of the other ones.
build-variants: setup $(foreach level,$(VARIANTS),build-$(level))
build-x86-64-%:
	@if [ x86-64-$* \< $(LEVEL) ]; then LAMINA_VARIANT=1 swift build $(VARIANT_FLAGS) --build-tests; fi

# Quick rules: formatting, and that the host names no family.
check:
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests SDK Plugins
	@.ci/names || { echo "Sources/ names a component: the host knows none" >&2; exit 1; }
	@.ci/names-test

# What is there is installed, variants and all; only if nothing is, it is built.
install: $(if $(wildcard $(LAMINA)),,build bundles)
	install -D $(LAMINA) $(DESTDIR)$(PREFIX)/bin/lamina
	mkdir -p $(DESTDIR)$(PREFIX)/lib/lamina/plugins && cp -r $(OUT)/*.laminaplugin $(DESTDIR)$(PREFIX)/lib/lamina/plugins/

clean:
	rm -rf .build SDK/.build Plugins/*/.build
