"""Leaving TensorFlow out: what can be named, what cannot be used, and when it stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT

BEGIN = "from pathlib import Path\nfrom bot.no_tensorflow import leave_out_tensorflow\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: what is imported there stays there."""
    return subprocess.run([sys.executable, "-c", BEGIN + code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_names_of_tensorflow_can_be_subclassed_and_annotated_with() -> None:
    done = run(
        "assert leave_out_tensorflow(Path('config.yml'))\n"
        "import tensorflow as tf\n"
        "import tensorflow.keras.backend as K\n"
        "from keras.utils.control_flow_util import smart_cond\n"
        "from typing import Union\n"
        "@tf.function\n"
        "def kept(x: Union[tf.Tensor, K.Anything]) -> str: return 'kept'\n"
        "class Model(tf.keras.Model): pass\n"
        "print(kept(1), isinstance(1, tf.Tensor))\n"
    )
    assert done.stdout.startswith("kept False"), done.stderr


def test_making_something_of_tensorflow_says_what_is_wrong() -> None:
    done = run(
        "leave_out_tensorflow(Path('config.yml'))\nimport tensorflow as tf\nclass Model(tf.keras.Model): pass\nModel()\n"
    )
    assert "Model needs TensorFlow, which this server left out" in done.stderr


@pytest.mark.parametrize("learner", ["pipeline:\n  - name: DIETClassifier\n", "policies:\n  - name: TEDPolicy\n", "{}"])
def test_a_pipeline_that_learns_with_tensorflow_keeps_it(tmp_path: Path, learner: str) -> None:
    config = tmp_path / "config.yml"
    config.write_text(learner, encoding="utf-8")
    done = run(f"print(leave_out_tensorflow(Path({str(config)!r})))")
    assert done.stdout == "False\n", done.stderr
