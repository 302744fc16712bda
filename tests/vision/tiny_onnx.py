"""Small ONNX files made by hand, for tests that need a network with known outputs.

Field numbers are those of onnx.proto; the encoding is `vision.backends.protobuf`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vision.backends.protobuf import BYTES, VARINT, put

_FLOAT, _INT64 = 1, 7
_TYPES = {np.dtype(np.float32): _FLOAT, np.dtype(np.int64): _INT64}
_ATTRIBUTE_INT, _ATTRIBUTE_INTS = 2, 7

Attribute = int | Sequence[int]
Shape = Sequence[int | str]
"""Axes; a name stands for a free one."""


def node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    **attributes: Attribute,
) -> bytes:
    """One NodeProto; attributes are whole numbers or lists of them."""
    parts = [(1, name.encode()) for name in inputs] + [(2, name.encode()) for name in outputs]
    parts += [(3, outputs[0].encode()), (4, operator.encode())]
    parts += [(5, _attribute(name, value)) for name, value in attributes.items()]
    return _message(*parts)


def model(
    nodes: Sequence[bytes],
    *,
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    weights: Mapping[str, np.ndarray] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """An ONNX file of opset 13; a named axis of an input is free."""
    graph = _message(
        *((1, one) for one in nodes),
        (2, b"tiny"),
        *((5, _tensor(name, value)) for name, value in (weights or {}).items()),
        *((11, _value(name, shape)) for name, shape in inputs.items()),
        *((12, _value(name, shape)) for name, shape in outputs.items()),
    )
    said = (
        (14, _message((1, key.encode()), (2, value.encode())))
        for key, value in (metadata or {}).items()
    )
    return _message((1, 8), (7, graph), (8, _message((1, b""), (2, 13))), *said)


def constant_outputs(input_shape: Shape, outputs: Mapping[str, np.ndarray]) -> bytes:
    """A network that gives the same outputs whatever it sees."""
    nodes = [
        node("ReduceMin", ["pixels"], ["least"], keepdims=0),
        node("Sub", ["least"] * 2, ["zero"]),
    ]
    nodes += [node("Add", [f"{name}_known", "zero"], [name]) for name in outputs]
    weights = {f"{name}_known": np.asarray(value, np.float32) for name, value in outputs.items()}
    shapes = {name: np.shape(value) for name, value in outputs.items()}
    return model(nodes, inputs={"pixels": input_shape}, outputs=shapes, weights=weights)


def _message(*parts: tuple[int, int | bytes]) -> bytes:
    out = bytearray()
    for number, value in parts:
        if isinstance(value, int):
            put(out, number, VARINT, value)
        else:
            put(out, number, BYTES, memoryview(value))
    return bytes(out)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _message((1, name.encode()), (3, value), (20, _ATTRIBUTE_INT))
    return _message((1, name.encode()), *((8, one) for one in value), (20, _ATTRIBUTE_INTS))


def _tensor(name: str, value: np.ndarray) -> bytes:
    value = np.ascontiguousarray(value)
    dims = ((1, axis) for axis in value.shape)
    return _message(*dims, (2, _TYPES[value.dtype]), (8, name.encode()), (9, value.tobytes()))


def _value(name: str, shape: Shape) -> bytes:
    axes = (
        _message((1, axis)) if isinstance(axis, int) else _message((2, axis.encode()))
        for axis in shape
    )
    tensor = _message((1, _FLOAT), (2, _message(*((1, axis) for axis in axes))))
    return _message((1, name.encode()), (2, _message((1, tensor))))
