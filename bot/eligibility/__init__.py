"""The pre-booking check as other programs use it: answers in, a decision out.

`submission`, `fhir`, `facts`, `access` and `openapi` are pure: they import
neither Rasa nor a web framework nor the database. `service` keeps checks.
Nothing here holds a rule about health: chat and this API ask one engine
(`bot.screening`).
"""
