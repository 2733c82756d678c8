"""Laws of power that need no machine: operating points, power gating, duty cycles, temperature, and fits to silicon."""
