"""One entry point per task: build, run, write."""
