"""The weight files: where they lie, how they are checked, fetched and loaded."""
