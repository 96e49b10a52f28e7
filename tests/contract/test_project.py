"""What must stay true of the project as a whole; each test tells what drifted."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
from ruamel.yaml import YAML

from bot.handout import PASSAGES, Handout
from bot.handout.model import CONVERSATION
from bot.screening import Rulebook
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MIN_EXAMPLES = 40


def yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def domain() -> Dict[str, Any]:
    return yaml(ROOT / "domain.yml")


@pytest.fixture(scope="module")
def examples() -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for entry in yaml(path)["nlu"]:
            lines = [line[2:].strip() for line in entry["examples"].splitlines()]
            found.setdefault(entry["intent"], []).extend(lines)
    return found


@pytest.fixture(scope="module")
def rules() -> List[Dict[str, Any]]:
    return [rule for path in (ROOT / "data" / "stories").glob("*.yml") for rule in yaml(path)["rules"]]


def steps(rules: List[Dict[str, Any]], kind: str) -> Set[str]:
    return {step[kind] for rule in rules for step in rule["steps"] if kind in step}


def test_the_domain_is_not_empty_and_holds_no_unexpanded_setting(domain: Dict[str, Any]) -> None:
    assert domain["intents"]
    assert domain["actions"]
    for name in ("domain.yml", "config.yml", "endpoints.yml", "credentials.yml"):
        assert "${" not in (ROOT / name).read_text(encoding="utf-8"), name


def test_every_intent_of_the_domain_has_examples_and_a_rule(
    domain: Dict[str, Any], examples: Dict[str, List[str]], rules: List[Dict[str, Any]]
) -> None:
    trained = {intent.partition("/")[0] for intent in examples}
    # read from low confidence, never trained
    assert set(domain["intents"]) - {"nlu_fallback"} == trained
    assert set(domain["intents"]) == steps(rules, "intent")


def test_every_action_of_the_domain_is_registered_and_used(domain: Dict[str, Any], rules: List[Dict[str, Any]]) -> None:
    import actions.skills as skills
    from actions.skill import Skill

    registered = Counter(f"action_{one.skill}" for one in vars(skills).values() if _is_skill(one, Skill))
    assert max(registered.values()) == 1, "two actions of one name: the last would win silently"
    assert set(registered) == set(domain["actions"])
    assert set(domain["actions"]) == steps(rules, "action")


def _is_skill(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base


def test_every_response_of_the_domain_is_used(domain: Dict[str, Any]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sources("bot", "actions"))
    unused = [name for name in domain.get("responses", {}) if name not in code]
    assert unused == []


def test_every_text_of_the_conversation_is_said_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in sources("bot/dialogue", "bot/channels", "bot/senders", "bot/telegram")
    )
    code += (ROOT / "bot/handout/handout.py").read_text(encoding="utf-8")
    groups = set(re.findall(r'f"([a-z_]+)\.\{', code))
    said = {key for key in CONVERSATION if f'"{key}"' in code or f"'{key}'" in code or key.partition(".")[0] in groups}
    assert set(CONVERSATION) - said == set()


def test_every_passage_has_an_answer_and_enough_examples(examples: Dict[str, List[str]]) -> None:
    handout = Handout.load()
    assert [passage.id for passage in handout.passages if passage.answer] == list(PASSAGES)
    thin = {p: len(examples[f"handout/{p}"]) for p in PASSAGES if len(examples[f"handout/{p}"]) < MIN_EXAMPLES}
    assert thin == {}


def test_every_topic_of_the_examples_has_a_text(examples: Dict[str, List[str]]) -> None:
    handout = Handout.load()
    topics = {intent.partition("/")[2] for intent in examples if intent.startswith("not_in_handout/")}
    assert topics <= set(handout.topics)


def test_the_questions_of_the_screen_are_the_items_of_the_contract() -> None:
    assert [item.id for item in Rulebook.load().items] == [
        "recent_sutures",
        "uncontrolled_hypertension",
        "kidney_dysfunction",
        "hematoma",
        "osteomyelitis",
        "anticoagulants",
        "varicose_veins",
        "cancer",
        "rheumatoid_arthritis",
        "acute_inflammation",
        "other",
    ]


def test_every_setting_is_in_the_example_file_and_in_the_readme() -> None:
    settings = {name.upper() for name in Settings.__fields__}
    example = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    assert Counter(example) == Counter(settings)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in settings if f"`{name}`" not in readme} == set()


def test_the_example_file_shows_the_defaults() -> None:
    shown = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M))
    defaults = Settings(_env_file=ROOT / ".env.example").dict()
    for name, field in Settings.__fields__.items():
        default = field.default
        expected = Settings._from_project_root(default) if name == "var_dir" else default
        assert defaults[name] == expected, f"{name}: .env.example shows {shown[name.upper()]}"


def test_every_path_named_in_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:yml|md|toml|lock))`", readme))
    named |= {link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link}
    made_later = {"var/", "models/"}
    assert {path for path in named - made_later if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("package", ["bot/screening", "bot/handout", "bot/emergency", "bot/encoder"])
def test_a_pure_package_imports_no_framework(package: str) -> None:
    forbidden = {"rasa", "rasa_sdk", "sanic", "sqlalchemy", "alembic"}
    found = {
        f"{path.relative_to(ROOT)}: {module}"
        for path, module in imports(package)
        if module.partition(".")[0] in forbidden
    }
    assert found == set()


@pytest.mark.parametrize("package", ["bot/screening", "bot/handout"])
def test_the_core_does_not_call_what_is_around_it(package: str) -> None:
    around = ("bot.channels", "bot.store", "bot.dialogue", "bot.escalation", "bot.nlu", "bot.web", "actions")
    found = {f"{path.relative_to(ROOT)}: {module}" for path, module in imports(package) if module.startswith(around)}
    assert found == set()


def test_every_package_has_an_init_file() -> None:
    # Rasa skips a package without one, silently
    folders = {path.parent for path in sources("bot", "actions")}
    assert {folder for folder in folders if not (folder / "__init__.py").exists()} - {
        ROOT / "bot/store/migrations",
        ROOT / "bot/store/migrations/versions",
    } == set()


def test_no_message_of_an_evaluation_set_is_a_training_example(examples: Dict[str, List[str]]) -> None:
    trained = {plain(line) for lines in examples.values() for line in lines}
    for line in (ROOT / "data/screening/disclosure.jsonl").read_text(encoding="utf-8").splitlines():
        trained.add(plain(json.loads(line)["text"]))
    common = {text for text in evaluated() if plain(text) in trained and len(text.split()) > 3}
    assert common == set()


def test_no_example_is_trained_under_two_intents(examples: Dict[str, List[str]]) -> None:
    homes: Dict[str, Set[str]] = {}
    for intent, lines in examples.items():
        for line in lines:
            homes.setdefault(line.casefold(), set()).add(intent)
    assert {line: sorted(found) for line, found in homes.items() if len(found) > 1} == {}


def evaluated() -> Iterator[str]:
    for path in sorted((ROOT / "tests" / "eval").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            # the turns before the last only set the scene ("does it hurt?")
            yield row["turns"][-1] if "turns" in row else row["text"]


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


def sources(*folders: str) -> List[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(package: str) -> Iterator[Tuple[Path, str]]:
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield path, alias.name
            elif isinstance(node, ast.ImportFrom):
                yield path, node.module or ""


def test_every_environment_is_made_on_the_projects_own_python() -> None:
    # uv would look for another one, or fetch it, where only pyenv has the right version
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    syncs = [line for line in makefile.splitlines() if "$(UV) sync" in line]
    assert len(syncs) == 3
    assert all("--python" in line for line in syncs)


def test_an_image_builds_what_the_pages_load_and_takes_in_nothing_that_was_built_outside() -> None:
    build = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
    assert "make install" in build
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv", ".env", "var", "models", "bot/web/dist", "**/node_modules"} <= set(ignored)
