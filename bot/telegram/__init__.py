"""Telegram: the Bot API, what comes from it, and what is sent through it.

An update is kept before it is acknowledged and handled once; a message goes
out through the outbox. This package must not know what is said in a
conversation: the turn that the website uses too says that.
"""
