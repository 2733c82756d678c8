"""Networks, machines and sparsities that are compared."""

MACHINES = ("edge_npu", "stripes", "edge_sparse_npu")


SPARSITIES = ["dense", "2:4", "0.5"]


CONVOLUTIONS = """
name: convolutions
input: {channels: 64, height: 16, width: 16}
layers:
  - {name: conv1, type: conv2d, out_channels: 256, kernel: 3, padding: 1}
  - {name: conv2, type: conv2d, out_channels: 256, kernel: 3, padding: 1, stride: 2}
"""


MIXED = """
name: mixed
input: {channels: 3, height: 14, width: 14}
layers:
  - {name: conv1, type: conv2d, out_channels: 20, kernel: 3, stride: 2, activation: relu}
  - {name: dw, type: conv2d, out_channels: 20, kernel: 3, padding: same, groups: 20, activation: gelu}
  - {name: stated, type: conv2d, out_channels: 33, kernel: 1, weight_sparsity: 0.25}
  - {name: pool, type: global_avg_pool}
  - {name: fc, type: linear, out_features: 70}
  - {name: scores, type: matmul, m: 9, k: 30, n: 9, repeat: 2}
"""
