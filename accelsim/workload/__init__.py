"""Networks: layers and their shapes, the matrix products and element-wise work of layers, and operands for them."""
