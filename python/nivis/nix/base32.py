"""Nix's base 32: five bits a digit, the last ones first."""

ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"  # without e, o, t, u
_VALUES = {digit: value for value, digit in enumerate(ALPHABET)}


def nix32(data: bytes) -> str:
    """Return ``data`` in base 32."""
    number = int.from_bytes(data, "little")
    digits = -(-len(data) * 8 // 5)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(digits)))


def from_nix32(text: str) -> bytes:
    """Return what ``text`` stands for; raises KeyError where it is not base 32."""
    number = 0
    for digit in text:
        number = number << 5 | _VALUES[digit]
    return number.to_bytes(len(text) * 5 // 8, "little")
