"""The simulator beside published and measured figures."""
