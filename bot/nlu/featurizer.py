"""Rasa component: a message's sentence vector as dense sentence features.

Knows nothing of intents; the vectors are `bot.encoder`'s.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.encoder import DIMENSIONS, Encoder
from bot.nlu.fingerprint import source_digest
from bot.nlu.merging import gist


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MiniLMFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds a MiniLM vector, shape (1, 384), as the sentence feature of every text.

    There are no features per token: nothing in the pipeline reads tokens.
    """

    @classmethod
    def required_components(cls) -> List[Type[Any]]:
        """None: the encoder has its own tokenizer."""
        return []

    @staticmethod
    def required_packages() -> List[str]:
        """What has to be installed for this component."""
        return ["ctranslate2", "tokenizers", "safetensors"]

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> MiniLMFeaturizer:
        """Load the encoder; see `Encoder.load` for errors."""
        return cls(config, execution_context.node_name, Encoder.load())

    def __init__(self, config: Dict[str, Any], name: str, encoder: Encoder) -> None:
        super().__init__(name, config)
        self._encoder = encoder

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the sentence feature to every message that has a text."""
        texts = [gist(message.get(TEXT) or "") for message in messages]
        for message, vector in zip(messages, self._encoder.encode(texts)):
            if message.get(TEXT) is not None:
                message.add_features(Features(vector[np.newaxis, :], FEATURE_TYPE_SENTENCE, TEXT, self._identifier))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the sentence feature to every training example, in one batch."""
        self.process(training_data.training_examples)
        return training_data

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Refuse options: there are none but Rasa's `alias`."""
        unknown = sorted(set(config) - {FEATURIZER_CLASS_ALIAS})
        if unknown:
            raise InvalidConfigException(
                f"config.yml gives MiniLMFeaturizer the unknown option '{unknown[0]}'; it takes only 'alias'."
            )

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        """Train anew when the encoder's code or weights change."""
        return f"{DIMENSIONS}-{source_digest()}"
