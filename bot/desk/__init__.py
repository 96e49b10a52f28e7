"""The therapist's desk behind its pages: who may log in, what the pages show, the figures.

Reads the tables of the other packages and writes only its own; what changes a
case is `bot.escalation`'s. This package must not know HTTP or HTML.
"""
