"""Labels of instances: readable, safe, and the same whatever else is swept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nivis.manifest.model import Value
from nivis.plan.labels import LONGEST, label_of


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ({"c": 0.1, "seed": 1}, "c=0.1,seed=1"),
        ({"seed": 1, "c": 0.1}, "seed=1,c=0.1"),
        ({"c": -1e-07, "on": True, "kind": "svm"}, "c=-1e-07,on=true,kind=svm"),
        ({"file": "data/my file.csv"}, "file=data-my-file.csv~0473d99c"),
        ({"name": "Ümlaut, 字"}, "name=mlaut~a846dd1e"),
        ({"name": ""}, "name=~12ae32cb"),
        ({"layers": [64, 32]}, "layers=64-32~0d1c054d"),
        ({"model": {"kind": "svm"}}, "model=kind-svm~7de6ee22"),
        ({"text": "x" * 41}, f"text={'x' * 20}~4c204bbc"),
        ({f"key{n}": n for n in range(20)}, None),
    ],
)
def test_label(values: dict[str, Value], label: str | None) -> None:
    found = label_of(values)
    assert label is None or found == label
    assert len(found) <= LONGEST


def test_long_labels_keep_what_fits() -> None:
    many: dict[str, Value] = {f"key{n}": n for n in range(20)}
    label = label_of(many)
    assert label.startswith("key0=0,key1=1,key2=2,")
    assert label != label_of({**many, "key19": 20})


@given(st.dictionaries(st.sampled_from("abc"), st.text() | st.floats(allow_nan=False) | st.booleans(), min_size=1))
def test_labels_are_safe(values: dict[str, Value]) -> None:
    label = label_of(values)
    assert set(label) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-=,~")
    assert 0 < len(label) <= LONGEST
