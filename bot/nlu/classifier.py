"""Rasa component: the intent of a message, and the parts it consists of.

One linear head over all full response keys (`handout/bruising`) reads the whole message
and, in the same batch, its pieces. The message's `intent` is the key's group, as the
domain lists groups; `response_key` is the key; `parts` is what the actions answer.
Knows nothing of what is answered.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Type

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.encoder import Encoder, LinearHead
from bot.nlu.featurizer import MiniLMFeaturizer
from bot.nlu.fingerprint import source_digest
from bot.nlu.merging import gist
from bot.nlu.reader import HEAD_FILE, MessageReader

RESPONSE_KEY = "response_key"
PARTS = "parts"

# Rasa expects a response phrase and a ResponseSelector for every `group/key` intent and
# warns once an example. Ours are answered by bot.dialogue: the warnings are beside the
# point and would hide real ones among thousands of lines.
for _message in (
    r"Your training data contains an example .* You either need to add a response phrase",
    r"You have defined training data with examples for training a response selector",
):
    warnings.filterwarnings("ignore", message=f"(?s){_message}", category=UserWarning)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PartsClassifier(IntentClassifier, GraphComponent):
    """Classifies a message and its parts by full response key."""

    @classmethod
    def required_components(cls) -> List[Type[Any]]:
        """The vectors come from the featurizer."""
        return [MiniLMFeaturizer]

    @staticmethod
    def required_packages() -> List[str]:
        """What has to be installed for this component."""
        return ["sklearn", "scipy"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The values that measured best (docs/decisions/0002-nlu-pipeline.md).

        penalty: of the squared weights, per row. ngram_weight: length of the n-gram vector
        beside the unit sentence vector. ngram_rank: main directions of the n-grams kept.
        balance: how far rare keys are lifted to the weight of frequent ones, 0 to 1.
        iterations: steps of the optimiser. temperature: what scores are divided by; measured
        on texts that the encoder was not fine-tuned on, because on its own it is surer than
        it should be. ranking_length: intents in `intent_ranking`.
        """
        return {
            "penalty": 1e-5,
            "ngram_weight": 1.0,
            "ngram_rank": 384,
            "balance": 0.75,
            "iterations": 40,
            "temperature": 0.79,
            "ranking_length": 10,
        }

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> PartsClassifier:
        """Return a component that still has to be trained."""
        return cls(config, model_storage, resource, Encoder.load())

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> PartsClassifier:
        """Return the trained component; `EncoderError` where its file is no good."""
        with model_storage.read_from(resource) as directory:
            head = LinearHead.load(directory / HEAD_FILE)
        return cls(config, model_storage, resource, Encoder.load(), head)

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        encoder: Encoder,
        head: Optional[LinearHead] = None,
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._model_storage = model_storage
        self._resource = resource
        self._encoder = encoder
        self._head = head

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the head on every example that has an intent, and keep it."""
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        keys = [example.get_full_intent() for example in examples]
        if len(set(keys)) < 2:
            raise InvalidConfigException(
                "PartsClassifier needs training examples of at least two intents; look into data/nlu."
            )
        texts = [gist(example.get(TEXT)) for example in examples]
        fitted = LinearHead.fit(
            _vectors(examples),
            keys,
            texts=texts,
            penalty=self._config["penalty"],
            ngram_weight=self._config["ngram_weight"],
            ngram_rank=self._config["ngram_rank"],
            balance=self._config["balance"],
            iterations=self._config["iterations"],
            calibration_folds=0,
        )
        self._head = replace(fitted, temperature=self._config["temperature"])
        with self._model_storage.write_to(self._resource) as directory:
            self._head.save(directory / HEAD_FILE)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set `intent`, `intent_ranking`, `response_key` and `parts` of every message.

        Messages like `/intent{...}` get them too; Rasa's own handler at the end of the
        pipeline then replaces them, so the parse data of a button has an intent and entities
        but no parts.
        """
        head = self._head
        if head is None:
            raise InvalidConfigException("PartsClassifier has not been trained; run `make train`.")

        reader = MessageReader(head, self._encoder)
        for message in messages:
            reading = reader.read(message.get(TEXT) or "")
            ranking = reading.groups[: self._config["ranking_length"]]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
            message.set(RESPONSE_KEY, reading.whole["response_key"], add_to_output=True)
            message.set(PARTS, list(reading.parts), add_to_output=True)
        return messages

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse unknown options."""
        known = cls.get_default_config()
        for name in config:
            if name not in known:
                raise InvalidConfigException(
                    f"config.yml gives PartsClassifier the unknown option '{name}'; it takes {', '.join(known)}."
                )

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """Train anew when the code behind this component changes."""
        return source_digest()


def _vectors(examples: Sequence[Message]) -> NDArray[np.float32]:
    """The featurizer's sentence vectors, shape (len(examples), 384)."""
    rows = []
    for example in examples:
        _, sentence = example.get_dense_features(TEXT)
        if sentence is None:
            raise InvalidConfigException(
                "PartsClassifier found no sentence vectors; put MiniLMFeaturizer before it in config.yml."
            )
        rows.append(sentence.features)
    return np.vstack(rows).astype(np.float32)
