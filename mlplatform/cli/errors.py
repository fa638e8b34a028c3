"""What ends a command early, beside a refusal by the portal."""


class UsageError(Exception):
    """What was typed makes no sense, whatever the portal would say: exit code 2."""
