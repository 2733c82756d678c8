"""What the tests of several rooms draw or build: engines, products, operands, memories and networks."""
