"""The Rasa components: trained through Rasa's own storage, loaded again, asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, INTENT_RESPONSE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from ruamel.yaml import YAML

from bot.encoder import EncoderError
from bot.nlu.classifier import PARTS, RESPONSE_KEY, PartsClassifier
from bot.nlu.featurizer import MiniLMFeaturizer

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = {
    "handout/after_heat": ("can I use the sauna", "is a steam room ok", "hot tub tonight?", "sauna after?"),
    "handout/pain": ("does it hurt", "is it painful", "how sore will it be", "will it hurt a lot"),
    "not_in_handout/price": ("what does it cost", "how much is a session", "price?", "what do you charge"),
    "smalltalk/greeting": ("hi", "hello there", "good morning", "hey"),
    "human": ("can I talk to a person", "a real human please", "let me speak to somebody", "put me through"),
}


def message(text: str, intent: str) -> Message:
    group, _, key = intent.partition("/")
    data: dict[str, Any] = {TEXT: text, INTENT: group}
    if key:
        data[INTENT_RESPONSE_KEY] = intent
    return Message(data=data)


class Pipeline:
    """Featurizer and classifier, wired as Rasa's graph wires them."""

    def __init__(self, folder: Path) -> None:
        self.storage = LocalModelStorage.create(folder)
        self.resource = Resource("classifier")
        self.context = ExecutionContext(GraphSchema({}), node_name="node")
        self.featurizer = MiniLMFeaturizer.create(
            MiniLMFeaturizer.get_default_config(), self.storage, Resource("featurizer"), self.context
        )

    def train(self) -> None:
        data = TrainingData([message(text, intent) for intent, texts in EXAMPLES.items() for text in texts])
        config = PartsClassifier.get_default_config()
        classifier = PartsClassifier.create(config, self.storage, self.resource, self.context)
        classifier.train(self.featurizer.process_training_data(data))

    def load(self) -> PartsClassifier:
        return PartsClassifier.load({}, self.storage, self.resource, self.context)

    def read(self, text: str) -> dict[str, Any]:
        messages = self.featurizer.process([Message(data={TEXT: text})])
        return self.load().process(messages)[0].as_dict(only_output_properties=True)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    made = Pipeline(tmp_path_factory.mktemp("model"))
    made.train()
    return made


def test_the_intent_is_the_group_and_the_key_is_beside_it(pipeline: Pipeline) -> None:
    read = pipeline.read("is the sauna ok?")
    assert read[INTENT]["name"] == "handout"
    assert read[RESPONSE_KEY] == "handout/after_heat"
    assert next(ranked["name"] for ranked in read[INTENT_RANKING_KEY]) == "handout"
    assert {ranked["name"] for ranked in read[INTENT_RANKING_KEY]} == {key.partition("/")[0] for key in EXAMPLES}


def test_parse_data_carries_the_parts(pipeline: Pipeline) -> None:
    parts = pipeline.read("does it hurt and how much is a session")[PARTS]
    assert [part["response_key"] for part in parts] == ["handout/pain", "not_in_handout/price"]
    assert [part["text"] for part in parts] == ["does it hurt", "how much is a session"]
    assert set(parts[0]) == {"text", "start", "end", "intent", "response_key", "confidence", "ranking"}
    assert len(parts[0]["ranking"]) == 5, "as many as there are, eight at most"


def test_an_intent_without_a_key_is_its_own_key(pipeline: Pipeline) -> None:
    (part,) = pipeline.read("let me speak to a real person")[PARTS]
    assert (part["intent"], part["response_key"]) == ("human", "human")


@pytest.mark.parametrize("text", ["", " ", "\x00\x07\u202e", "\U0001f600" * 10_000, "word " * 400, "\ud83d"])
def test_odd_texts_are_read_without_failing(pipeline: Pipeline, text: str) -> None:
    parts = pipeline.read(text)[PARTS]
    assert len(parts) >= 1


def test_the_same_text_is_read_the_same_way_again(pipeline: Pipeline) -> None:
    assert pipeline.read("hot tub tonight or not")[PARTS] == pipeline.read("hot tub tonight or not")[PARTS]


def test_the_model_holds_no_pickle(pipeline: Pipeline) -> None:
    with pipeline.storage.read_from(pipeline.resource) as folder:
        assert [path.name for path in folder.iterdir()] == ["head.npz"]


def test_a_damaged_model_says_how_to_make_a_new_one(pipeline: Pipeline, tmp_path: Path) -> None:
    other = Pipeline(tmp_path)
    with other.storage.write_to(other.resource) as folder:
        (folder / "head.npz").write_bytes(b"damaged")
    with pytest.raises(EncoderError, match="make train"):
        other.load()


def test_examples_of_one_intent_alone_are_refused(pipeline: Pipeline) -> None:
    data = TrainingData([message("hi", "human"), message("hello", "human")])
    classifier = PartsClassifier.create({}, pipeline.storage, Resource("other"), pipeline.context)
    with pytest.raises(InvalidConfigException, match="two intents"):
        classifier.train(pipeline.featurizer.process_training_data(data))


def test_a_classifier_without_the_featurizer_says_what_is_missing(pipeline: Pipeline) -> None:
    data = TrainingData([message("hi", "human"), message("hello", "complaint")])
    classifier = PartsClassifier.create({}, pipeline.storage, Resource("other"), pipeline.context)
    with pytest.raises(InvalidConfigException, match="MiniLMFeaturizer"):
        classifier.train(data)


def test_unknown_options_are_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidConfigException, match="'epochs'.*penalty"):
        PartsClassifier.validate_config({"epochs": 3})
    with pytest.raises(InvalidConfigException, match="'layers'"):
        MiniLMFeaturizer.validate_config({"layers": 3})


def test_config_yml_names_these_components_and_rules_only() -> None:
    config = YAML(typ="safe").load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert [step["name"] for step in config["pipeline"]] == [
        "bot.nlu.featurizer.MiniLMFeaturizer",
        "bot.nlu.classifier.PartsClassifier",
    ]
    assert [policy["name"] for policy in config["policies"]] == ["RulePolicy"]
    assert config["assistant_id"]
