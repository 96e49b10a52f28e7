"""Rasa input channels and what they share: tokens, problems, the turn.

Channels hold no rules and no texts about health; they bring words in and
messages out, and lose neither.
"""
