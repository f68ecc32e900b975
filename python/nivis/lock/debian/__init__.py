"""The toolchain from a Debian release: signed indices, closure of packages, base tree."""
