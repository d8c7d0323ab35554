"""Values that files hold by accident or by intention, and that no reader may stumble over."""

from random import Random

SENTINEL_MODULE = "hmrm_fuzz_sentinel"
"""A module on the path that leaves a file behind when it is imported; see ``fuzz.sentinel``."""

LONG_CELL = "x" * 131_073
"""One more than what Python's csv module takes by default."""

TEXTS = (
    "",
    " ",
    "[/b]",
    "[bold red]x[/]",
    "<img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    '=HYPERLINK("http://example.invalid")',
    "+1+1",
    "@SUM(1)",
    "../../outside",
    "/absolute",
    "a/b/c",
    "a/b/c/d",
    "..",
    ".",
    "{{ 7 * 7 }}",
    "%s%n",
    "\u202ereversed",
    "\u0000",
    "\ufeff",
    "ﬀ",
    "İ",
    "null",
    "true",
    "nan",
    "None",
    "x" * 300,
    LONG_CELL,
    f"{SENTINEL_MODULE}:factory",
)

NUMBERS = (
    "-1",
    "-0",
    "0",
    "0.5",
    "1e-320",
    "1e308",
    "1e400",
    "-1e400",
    "nan",
    "-inf",
    "inf",
    "1,5",
    "1_000",
    "0x10",
    "1.0.0",
    "--1",
    "00000000001",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "99999999999999999999",
    "9" * 400,
    "9" * 5000,
    "²",
    "٣",
    "９",
    "½",
    "1-99999999999999999999",
    "9" * 5000 + "-1",
)

NAMES = (
    b"[b]bold[/b].txt",
    b"a[/b]b",
    b"<img src=x onerror=alert(1)>",
    b"\x1b[31mred",
    b"=HYPERLINK(1)",
    b"not-utf-8-\xff\xfe",
    b"new\nline",
    b"-o",
    b"x" * 200,
    "e\u0301\u202e".encode(),
    b" ",
    b"%s%n",
    b".hidden",
)
"""Names of files, as the file system takes them."""

INTEGERS = (
    *(0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 30_000, 1 << 20, 1 << 24),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF),
)


def text(rng: Random) -> str:
    """A hostile text or number."""
    return rng.choice(TEXTS if rng.random() < 0.5 else NUMBERS)


def deep(opening: str, closing: str, rng: Random, *, inside: str = "") -> str:
    """Brackets inside brackets, from what a stack just holds to what it does not."""
    depth = rng.choice((60, 400, 1_100, 5_000, 100_000))
    return opening * depth + inside + closing * depth
