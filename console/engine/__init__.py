"""The engine: a deterministic core, and the thread, journal, gate and halt path around it."""
