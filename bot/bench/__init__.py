"""The benchmark that is part of the product: the running whole beside stock Rasa on the same messages."""
