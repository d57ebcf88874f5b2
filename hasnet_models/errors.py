"""The one exception family that reaches the user, and its exit codes.

Exit codes are a contract (see docs/cli.md); every error is one plain sentence, with an
optional hint that says what to do next. This module imports nothing heavy.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SOME_FAILED = 3
EXIT_NO_FACE = 4
EXIT_WEIGHTS = 5
EXIT_DOMAIN = 6
EXIT_DEVICE = 7
EXIT_INTERRUPTED = 130


class HasnetError(Exception):
    """An error whose message is meant for the user.

    Message and hint state facts in Python's terms; whoever takes options in another form (the
    command line has flags) finds in `parameters` which ones are meant.

    Args:
        message: one clear sentence.
        hint: what the user can do about it, one sentence, or None. A parameter to be given is
            written as in Python, such as `face=aligned` or `paste=True`.
        parameters: the names of the parameters that message and hint are about.
    """

    exit_code = EXIT_FAILED

    def __init__(
        self, message: str, hint: str | None = None, *, parameters: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.parameters = parameters


class ImageError(HasnetError):
    """A picture cannot be read or written."""


class UsageError(HasnetError):
    """What was asked for makes no sense: a missing path, a bad option value."""

    exit_code = EXIT_USAGE


class NoFaceError(HasnetError):
    """No face was found where one is needed."""

    exit_code = EXIT_NO_FACE


class WeightsError(HasnetError):
    """Weights are missing, damaged or of another architecture."""

    exit_code = EXIT_WEIGHTS


class WeightFileError(WeightsError):
    """A weight file of the package is missing or damaged: the right one has to be fetched."""


class DomainError(HasnetError):
    """A domain is unknown, or the plugin that provides it is broken."""

    exit_code = EXIT_DOMAIN


class PluginError(HasnetError):
    """An installed plugin is broken."""

    exit_code = EXIT_DOMAIN


class DeviceError(HasnetError):
    """The device that was asked for is not usable here."""

    exit_code = EXIT_DEVICE

