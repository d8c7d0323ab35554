"""Networks for installations without torch: ONNX graphs of our weights, which OpenCV runs."""
