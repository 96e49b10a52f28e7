"""Rasa's custom actions: a tracker in, one call into `bot`, events out.

They hold no rules and no texts.
"""
