"""Damage to safetensors files."""

import json
import struct
from random import Random
from typing import Any

from fuzz.mutators import json_values, raw

_LENGTH = struct.Struct("<Q")
_WIDTHS = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "U8": 1, "BOOL": 1}


def header_length(content: bytes, rng: Random) -> bytes:
    """A header that claims any length."""
    true = max(len(content) - 8, 0)
    length = rng.choice((0, 1, len(content), true, 1 << 40, (1 << 64) - 1, 100_000_001))
    return _LENGTH.pack(length) + content[8:]


def header_json(content: bytes, rng: Random) -> bytes:
    """A header with any JSON damage, its length true."""
    header, data = _parts(content)
    changed = rng.choice(json_values.MUTATORS)(header, rng)
    return _LENGTH.pack(len(changed)) + changed + data


def one_tensor(content: bytes, rng: Random) -> bytes:
    """One tensor of another type, shape or place, missing, or one too many."""
    header, data = _parts(content)
    table = _table(header)
    names = list(_tensors(table, data))
    if not names:
        return raw.flip_bits(content, rng)
    name = rng.choice(names)
    special = [one for one in names if one == "step" or one.startswith("optimizer.")]
    if special and rng.random() < 0.4:
        name = rng.choice(special)
    kind = rng.randrange(7)
    if kind == 0:
        table[name]["dtype"] = rng.choice(("F64", "I64", "BOOL", "U8", "BF16", "F8_E4M3", "X", 3))
    elif kind == 1:
        table[name]["shape"] = rng.choice(([], [0], [-1], [1 << 40], [1, 1, 1], "x", [1.5]))
    elif kind == 2:
        table[name]["data_offsets"] = rng.choice(([0, 0], [0, 1 << 40], [8, 4], [-1, 3], [0], "x"))
    elif kind == 3:
        return _packed({k: v for k, v in _tensors(table, data).items() if k != name})
    elif kind == 4:
        tensors = _tensors(table, data)
        new = rng.choice(("more", f"{name}.x", "optimizer", "optimizer.x.exp_avg", "optimizer.0"))
        return _packed({**tensors, new: tensors[name]})
    elif kind == 5:
        return _packed({**_tensors(table, data), name: _any_tensor(rng)})
    else:
        table["__metadata__"] = rng.choice(({"a": 1}, {"a": "b"}, [], 3))
    changed = json.dumps(table).encode()
    return _LENGTH.pack(len(changed)) + changed + data


def values(content: bytes, rng: Random) -> bytes:
    """NaN, infinity or noise in the values."""
    header, data = _parts(content)
    start = rng.randrange(max(len(data) // 4, 1)) * 4
    special = struct.pack("<f", rng.choice((float("nan"), float("inf"), 3e38, 0.0)))
    length = rng.choice((4, 400, len(data)))
    piece = (special * (length // 4 + 1))[: min(length, len(data) - start)]
    return content[:8] + header + data[:start] + piece + data[start + len(piece) :]


Tensor = tuple[str, list[int], bytes]


def _any_tensor(rng: Random) -> Tensor:
    kind = rng.choice(list(_WIDTHS))
    shape = rng.choice(([], [1], [2, 2], [0], [7]))
    count = 1
    for side in shape:
        count *= side
    fill = rng.choice((b"\0", b"\xff", b"\x01"))
    return kind, shape, fill * (count * _WIDTHS[kind])


def _parts(content: bytes) -> tuple[bytes, bytes]:
    if len(content) < 8:
        return b"{}", b""
    end = 8 + _LENGTH.unpack(content[:8])[0]
    return content[8:end], content[end:]


def _table(header: bytes) -> dict[str, Any]:
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tensors(table: dict[str, Any], data: bytes) -> dict[str, Tensor]:
    """Those that are still described as tensors are."""
    found: dict[str, Tensor] = {}
    for name, one in table.items():
        match one:
            case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(a), int(b)]}:
                found[name] = (kind, shape, data[a:b])
    return found


def _packed(tensors: dict[str, Tensor]) -> bytes:
    table, body = {}, b""
    for name, (kind, shape, values_) in tensors.items():
        place = [len(body), len(body) + len(values_)]
        table[name] = {"dtype": kind, "shape": shape, "data_offsets": place}
        body += values_
    header = json.dumps(table).encode()
    return _LENGTH.pack(len(header)) + header + body


MUTATORS = (header_length, header_json, header_json, *(one_tensor,) * 5, values)
