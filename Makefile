# Self-documenting verbs; `make` alone lists them. Everything needed is fetched into .uv/ and .venv/.
.DEFAULT_GOAL := help
help:
	@echo "see README.md"
