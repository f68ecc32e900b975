"""Lock files and everything else from outside, pinned by hash in nivis.lock."""
