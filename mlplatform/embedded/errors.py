"""What can keep the embedded stack from starting."""

from mlplatform.kernel.errors import PlatformError


class StackError(PlatformError):
    """The embedded stack cannot do what was asked."""

    code = "stack"


class AlreadyRunning(StackError):
    """Another supervisor owns this home folder."""

    code = "already_running"
