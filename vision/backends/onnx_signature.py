"""What an ONNX file says its network takes and gives, for runtimes that do not tell."""

from __future__ import annotations

from dataclasses import dataclass

from vision.backends.protobuf import fields
from vision.errors import ModelFailed

# Field numbers of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 5, 11, 12
_TENSOR_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_SHAPE, _SHAPE_DIM, _DIM_VALUE = 1, 2, 1, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxSignature:
    """Inputs (without the weights that older files list among them) and outputs, in order.

    A free axis is None.
    """

    inputs: tuple[tuple[str, tuple[int | None, ...]], ...]
    output_names: tuple[str, ...]


def signature_of(model: bytes) -> OnnxSignature:
    """Raises `ModelFailed` where the bytes are no ONNX file."""
    try:
        return _signature(memoryview(model))
    except (IndexError, ValueError) as error:
        raise ModelFailed(f"the file is no ONNX model as expected ({error})") from error


def _signature(model: memoryview) -> OnnxSignature:
    graph = _part(model, _MODEL_GRAPH)
    weights = {_text(value, _TENSOR_NAME) for value in _parts(graph, _GRAPH_INITIALIZER)}
    inputs = [(_text(value, _VALUE_NAME), _shape(value)) for value in _parts(graph, _GRAPH_INPUT)]
    return OnnxSignature(
        inputs=tuple((name, shape) for name, shape in inputs if name not in weights),
        output_names=tuple(_text(value, _VALUE_NAME) for value in _parts(graph, _GRAPH_OUTPUT)),
    )


def _shape(value_info: memoryview) -> tuple[int | None, ...]:
    shape = value_info
    for number in (_VALUE_TYPE, _TYPE_TENSOR, _TENSOR_SHAPE):
        shape = _part(shape, number)
    return tuple(_axis(dimension) for dimension in _parts(shape, _SHAPE_DIM))


def _axis(dimension: memoryview) -> int | None:
    sizes = [value for number, _, value in fields(dimension) if number == _DIM_VALUE]
    return sizes[0] if sizes and isinstance(sizes[0], int) and sizes[0] > 0 else None


def _parts(message: memoryview, wanted: int) -> list[memoryview]:
    return [
        value
        for number, _, value in fields(message)
        if number == wanted and isinstance(value, memoryview)
    ]


def _part(message: memoryview, wanted: int) -> memoryview:
    return (_parts(message, wanted) or [memoryview(b"")])[0]


def _text(message: memoryview, wanted: int) -> str:
    return bytes(_part(message, wanted)).decode()
