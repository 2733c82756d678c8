"""What voltage, clock, sleep and heat make of a run: operating points, gating, duty cycles, temperature."""
