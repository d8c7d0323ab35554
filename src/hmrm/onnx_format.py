"""ONNX files, as far as ours go: written byte by byte the same each time, checked before use.

The format is a protocol buffer (onnx.ai, ``onnx.proto``): fields of a number and a kind, nested.
Writing it here keeps the package ``onnx`` out of every installation, and reading the few fields
we need keeps a damaged file away from OpenCV: the digest of the graph is compared first.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

_IR_VERSION, _OPSET = 8, 17
_VARINT, _LENGTH, _FLOAT = 0, 2, 5  # kinds of fields
_GRAPH, _METADATA = 7, 14  # fields of a whole model
_KINDS = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
GRAPH_DIGEST = "graph_sha256"

Attribute = int | float | Sequence[int]


class OnnxError(ValueError):
    """No ONNX file of ours; the message says how, not where."""


def varint(number: int) -> bytes:
    """A whole number, seven bits a byte; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field: a whole number, a float, or anything that has a length."""
    if isinstance(value, int):
        return varint(number << 3 | _VARINT) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | _FLOAT) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | _LENGTH) + varint(len(content)) + content


def tensor(values: np.ndarray) -> bytes:
    """A constant of float32 or int64, still without a name (field 8)."""
    dims = b"".join(field(1, side) for side in values.shape)
    raw = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    return dims + field(2, _KINDS[values.dtype]) + field(9, raw)


def node(
    kind: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Attribute]
) -> bytes:
    """One operation; it is called as its first output."""
    names = b"".join(field(1, name) for name in inputs) + b"".join(field(2, n) for n in outputs)
    settings = b"".join(field(5, _attribute(*pair)) for pair in attributes.items())
    return names + field(3, outputs[0]) + field(4, kind) + settings


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, one) for one in value) + field(20, 7)


def value_info(name: str, shape: Sequence[int | str]) -> bytes:
    """An input or output of float32; a side of any length has a name instead of a number."""
    sides = b"".join(field(1, field(2 if isinstance(side, str) else 1, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, sides)))


def model(graph: bytes, metadata: Mapping[str, str]) -> bytes:
    """A whole file; the digest of its graph is added to the metadata."""
    stated = {**metadata, GRAPH_DIGEST: hashlib.sha256(graph).hexdigest()}
    pairs = (field(_METADATA, field(1, key) + field(2, stated[key])) for key in sorted(stated))
    opset = field(1, "") + field(2, _OPSET)
    head = field(1, _IR_VERSION) + field(2, "hmrm") + field(_GRAPH, graph) + field(8, opset)
    return head + b"".join(pairs)


def checked_metadata(content: bytes) -> dict[str, str]:
    """What a file states of itself, once its graph is the one that its digest belongs to.

    Raises:
        OnnxError: no ONNX file of ours, or damaged.
    """
    graph, found = b"", {}
    for number, value in _fields(content):
        if number == _GRAPH:
            graph = value
        elif number == _METADATA:
            pair = dict(_fields(value))
            try:
                found[pair.get(1, b"").decode()] = pair.get(2, b"").decode()
            except UnicodeDecodeError as error:
                raise OnnxError("damaged, metadata is no text") from error
    if GRAPH_DIGEST not in found:
        raise OnnxError("not written by hmrm, no digest of its graph")
    if hashlib.sha256(graph).hexdigest() != found[GRAPH_DIGEST]:
        raise OnnxError("damaged, the digest of its graph differs")
    return found


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the fields that have a length; the others are passed over."""
    place = 0
    while place < len(content):
        key, place = _read_varint(content, place)
        if key & 7 == _VARINT:
            _, place = _read_varint(content, place)
            continue
        if key & 7 != _LENGTH:
            raise OnnxError("not an ONNX file, or damaged")
        length, place = _read_varint(content, place)
        if place + length > len(content):
            raise OnnxError("not an ONNX file, or cut off")
        yield key >> 3, content[place : place + length]
        place += length


def _read_varint(content: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte, place = content[place], place + 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise OnnxError("not an ONNX file, or cut off")
