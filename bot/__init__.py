"""The assistant: one package per room, described in each package's first lines."""
