"""What actions cost: technologies, memories, datapaths, and the prices of a machine."""
