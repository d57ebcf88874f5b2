"""The networks as ONNX: the graphs of our own runtime, and whole files for others.

Needs torch and the package `onnx` (`hasnet[export]`). `tracing` makes a graph of a torch module,
`simplify` takes its bookkeeping out, `graphs` writes those of `hasnet_models/runtimes/graphs`,
`whole` a file with everything in it.
"""
