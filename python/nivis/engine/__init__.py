"""The commands' work: from a project's files to a lock, plans, store paths and results."""
