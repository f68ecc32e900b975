"""The order of steps."""

import pytest

from nivis.errors import ManifestError
from nivis.plan.order import order, order_of_plan


def test_order() -> None:
    assert order({"c": ["b"], "b": [], "a": ["c"], "z": []}) == ["b", "z", "c", "a"]
    assert order_of_plan({"steps": {"b": {"steps": ["c"]}, "c": {"steps": []}}}) == ["c", "b"]


def test_cycle() -> None:
    with pytest.raises(ManifestError) as caught:
        order({"b": ["a"], "a": ["c"], "c": ["b"], "d": ["a"]})
    assert str(caught.value) == (
        "steps need one another in a circle: a → b → c → a. Remove one of the references between them."
    )
