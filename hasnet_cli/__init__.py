"""The `hasnet` command line: one file a command, no tensor code."""
