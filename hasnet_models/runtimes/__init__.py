"""What computes the networks: onnxruntime, or torch.

`contract` says what a runtime can do, in numpy arrays alone; `onnx_runtime` and `torch_runtime` do
it, `choice` takes one. The graphs of the first are in `graphs/`, without weights: these come from
the same safetensors files that torch reads. Torch is imported where its runtime is chosen, and only
there.
"""
