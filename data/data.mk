# SPDX-License-Identifier: Apache-2.0
#
# The vocabularies: data/sources says where they come from, data/LICENSES.md
# under which terms.  DATA_DIR is an installed copy, or a folder with the
# packages, to build without a network.

DATA     := build/data
DATA_DIR ?=

# where data is installed, and where the gateway looks for it
DATA_INSTALL ?= /usr/share/nginx-genai

FETCH = @DATA_DIR="$(DATA_DIR)" data/fetch build/genai-vocab $(DATA)

.PHONY: data
data: build/genai-vocab ## vocabularies into build/data (DATA_DIR)
	$(FETCH)
	@cp data/models.json $(DATA)/

# Not part of "make data": their licences do not let them be passed on with
# this module.  Whoever runs one of these takes them from a registry for
# himself, and is bound by the licence; see data/LICENSES.md.

.PHONY: data-llama3
data-llama3: build/genai-vocab ## Llama 3's vocabulary (Meta's licence)
	$(FETCH) llama3

.PHONY: data-gemma2
data-gemma2: build/genai-vocab ## Gemma 2's vocabulary (Google's terms)
	$(FETCH) gemma2

.PHONY: data-gemma3
data-gemma3: build/genai-vocab ## Gemma 3's vocabulary (Google's terms)
	$(FETCH) gemma3

.PHONY: install-data
install-data: data ## copy catalogue and vocabularies (DESTDIR)
	@install -d "$(DESTDIR)$(DATA_INSTALL)"
	@install -m 644 data/models.json data/LICENSES.md LICENSE \
	    "$(DESTDIR)$(DATA_INSTALL)/"
	@for f in $$(awk '$$1 == "vocabulary" { print $$3 }' data/sources); do \
	    [ ! -f $(DATA)/$$f.vocab ] || install -m 644 $(DATA)/$$f.vocab \
	        "$(DESTDIR)$(DATA_INSTALL)/" || exit 1; \
	done
	@awk '$$1 == "alias" { print $$3, $$4 }' data/sources \
	    | while read -r name of; do \
	        ln -sf $$of.vocab "$(DESTDIR)$(DATA_INSTALL)/$$name.vocab" \
	            || exit 1; done
