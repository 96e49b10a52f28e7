"""Taking what the outbox holds to where it belongs, one module a way.

A sender knows one protocol and nothing of queues; texts come from the
practice's content. No notice carries a word about health.
"""
