"""Models as ONNX files, with which other programs and small devices forecast.

Opset 13 and standard operators alone, so that runtimes of small devices take them. What the
network needs of its card is inside: readings in the units of the card go in, and kW come out.
"""

from streamer.models.onnx.export import Exported, export_onnx

__all__ = ["Exported", "export_onnx"]
