"""What a project and its experiments say: pyproject.toml and experiment.toml, decoded into typed values."""
