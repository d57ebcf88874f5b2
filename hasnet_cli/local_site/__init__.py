"""Web pages of this machine alone: who is let in (`guard`), and what listens (`serving`)."""
