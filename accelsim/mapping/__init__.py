"""How a product is cut into tiles and in which order they run; which tensors stay on chip."""
