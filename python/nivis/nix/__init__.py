"""The only room that runs Nix."""
