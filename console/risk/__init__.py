"""How much may be at stake: exposure, size, latches, kill switches and the manager that reads them."""
