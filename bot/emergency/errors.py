"""The one exception of this package; its message says what to do."""


class EmergencyError(Exception):
    """The rules or the trained head cannot be used.

    The message is for whoever edits the rules or starts the assistant: what is wrong,
    where (file:line), and what is allowed or to be done. Several problems of one file
    are reported together, one a line.
    """
