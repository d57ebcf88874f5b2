"""The compared systems, one file each, behind the protocol of `systems.base`."""
