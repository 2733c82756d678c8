"""Networks: their layers and shapes, the matrix products that they are made of, and operands for them."""
