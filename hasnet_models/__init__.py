"""HASNet: face photos become avatars of other visual worlds.

Importing this package is cheap: torch is imported by the modules that need it.
"""

__version__ = "0.1.0"
