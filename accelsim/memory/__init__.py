"""Buffers and what lies behind them: SRAM and its ports, DRAM and serial devices, streams of tiles, and schedules."""
