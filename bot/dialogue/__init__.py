"""What the assistant says to one message: parts in, messages out.

The skills live here, one module each. They call the handout, the screen and
the cases; they must not know Rasa, Sanic or how a channel looks.
"""
