"""What a project's flake consists of: generated files, and git, through which Nix sees them."""
