"""The two networks and the frozen ones beside them, one module class beside each equation."""
