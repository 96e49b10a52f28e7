"""How a message is read: Rasa graph components and the plain functions behind them.

`splitting`, `merging` and `thresholds` know nothing of Rasa and can be tried on their
own; `featurizer` and `classifier` are what config.yml names. Nothing here knows the
texts of answers, screening rules or cases.
"""
