"""Reads an ONNX file's own metadata and cuts a classifier's output layer, all in memory.

Works on the protocol-buffer encoding itself (field numbers from onnx.proto), because the `onnx`
package is a heavy thing to install for one edit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision.backends.protobuf import VARINT, fields, put
from vision.errors import ModelFailed

_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_GRAPH_INITIALIZER, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 5, 12, 13
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_RAW = 1, 2, 9
_TENSOR_FLOAT32 = 1
_VALUE_NAME = 1


def cut_classes(model: bytes, *, classes: int, keep: Sequence[int]) -> bytes:
    """The same network with an output of `len(keep)` classes, in the order of `keep`.

    `classes` is the number that it has now: every initializer whose last axis has that length
    (the last layer's weight and bias) is sliced. A softmax behind it then runs over what is kept,
    which is what renormalising the full one would give. Raises `ModelFailed` when no layer fits.
    """
    try:
        return _cut_model(memoryview(model), classes, np.asarray(keep, dtype=np.intp))
    except (IndexError, ValueError) as error:
        raise ModelFailed(
            f"cannot cut the output layer: the file is no ONNX model as expected ({error})"
        ) from error


def metadata_of(model: bytes) -> dict[str, str]:
    """What the file says of itself (labels, for one), without loading the network."""
    found: dict[str, str] = {}
    try:
        for number, _, value in fields(memoryview(model)):
            if number == _MODEL_METADATA and isinstance(value, memoryview):
                entry = {
                    key: bytes(part) for key, _, part in fields(value) if not isinstance(part, int)
                }
                name = entry.get(_ENTRY_KEY, b"").decode()
                found[name] = entry.get(_ENTRY_VALUE, b"").decode()
    except (IndexError, ValueError) as error:
        raise ModelFailed(f"the file is no ONNX model as expected ({error})") from error
    return found


def _cut_model(model: memoryview, classes: int, keep: np.ndarray) -> bytes:
    out = bytearray()
    cut = 0
    for number, kind, value in fields(model):
        if number == _MODEL_GRAPH and isinstance(value, memoryview):
            graph, cut = _cut_graph(value, classes, keep)
            put(out, number, kind, graph)
        else:
            put(out, number, kind, value)
    if cut == 0:
        raise ModelFailed(f"cannot cut the output layer: no layer has {classes} classes")
    return bytes(out)


def _cut_graph(graph: memoryview, classes: int, keep: np.ndarray) -> tuple[memoryview, int]:
    out = bytearray()
    cut = 0
    for number, kind, value in fields(graph):
        if number == _GRAPH_VALUE_INFO:
            continue  # shapes that the runtime infers anew; the old ones name the old class count
        if number == _GRAPH_INITIALIZER and isinstance(value, memoryview):
            tensor = _cut_tensor(value, classes, keep)
            cut += tensor is not None
            put(out, number, kind, value if tensor is None else tensor)
        elif number == _GRAPH_OUTPUT and isinstance(value, memoryview):
            put(out, number, kind, _without_type(value))
        else:
            put(out, number, kind, value)
    return memoryview(out), cut


def _cut_tensor(tensor: memoryview, classes: int, keep: np.ndarray) -> memoryview | None:
    """The sliced tensor, or None where this one is not of the last layer."""
    content = list(fields(tensor))
    shape = [value for number, _, value in content if number == _TENSOR_DIMS]
    if not shape or shape[-1] != classes or not all(isinstance(axis, int) for axis in shape):
        return None
    if (_TENSOR_TYPE, VARINT, _TENSOR_FLOAT32) not in content:
        raise ValueError("the last layer is not of float32")
    out = bytearray()
    for number, kind, value in content:
        if number == _TENSOR_RAW and isinstance(value, memoryview):
            values = np.frombuffer(value, dtype="<f4").reshape(-1, classes)[:, keep]
            put(out, number, kind, memoryview(np.ascontiguousarray(values).tobytes()))
        elif number != _TENSOR_DIMS:
            put(out, number, kind, value)
    for axis in [*shape[:-1], len(keep)]:
        put(out, _TENSOR_DIMS, VARINT, axis)
    return memoryview(out)


def _without_type(value_info: memoryview) -> memoryview:
    """The output's name alone; its type and shape are inferred."""
    out = bytearray()
    for number, kind, value in fields(value_info):
        if number == _VALUE_NAME:
            put(out, number, kind, value)
    return memoryview(out)
