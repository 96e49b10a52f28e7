"""The one exception of this package; its message says what to do."""


class EncoderError(Exception):
    """The weights, the converted model or a saved head cannot be used.

    The message is one sentence for whoever runs the assistant: what is wrong, in
    which file, and what to do.
    """
