"""poetry.lock, uv.lock and pylock.toml -> the wheels for the toolchain's interpreter."""
