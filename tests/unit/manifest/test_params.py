"""Parameters: profiles, and what the command line sets."""

from pathlib import PurePosixPath

import pytest

from nivis.errors import NivisError
from nivis.manifest.experiment import decode_experiment
from nivis.manifest.model import Value
from nivis.manifest.params import overridden, parse_overrides, variants, with_overrides, with_profile

FOLDER = PurePosixPath("experiments/penguins")
TEXT = """
[params]
seed = 0
grid = [1, 2]
model.c = 1.0
model.kind = "svm"

[profiles.smoke]
grid = [1]
model.c = 0.5
[profiles.full]
"""
PENGUINS = decode_experiment(TEXT, FOLDER)


def test_profiles() -> None:
    assert PENGUINS.profiles == {"smoke": {"grid": [1], "model": {"c": 0.5}}, "full": {}}
    smoke = with_profile(PENGUINS, "smoke")
    assert smoke.params == {"seed": 0, "grid": [1], "model": {"c": 0.5, "kind": "svm"}}
    assert (smoke.profile, smoke.overrides) == ("smoke", PENGUINS.profiles["smoke"])
    assert [variant.variant for variant in variants(PENGUINS)] == ["penguins", "penguins-smoke", "penguins-full"]
    assert PENGUINS.params["grid"] == [1, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sed = 1", "line 10: profiles.smoke: no parameter named 'sed'. Did you mean 'seed'?"),
        ("model.d = 1", "line 10: profiles.smoke: no parameter named 'model.d'. Did you mean 'model.c'?"),
        ("seed.x = 1", "line 10: profiles.smoke: no parameter named 'seed.x'. Did you mean 'seed'?"),
        (
            "model = 1",
            "line 10: profiles.smoke: 'model' is a table in [params]. Set what is in it: model.c, model.kind.",
        ),
        ("seed = nan", "line 10: profiles.smoke.seed must be a finite number, but it is nan. Write it in quotes."),
    ],
)
def test_what_a_profile_cannot_set(line: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        decode_experiment(TEXT.replace("grid = [1]\nmodel.c = 0.5", f"\n{line}"), FOLDER)
    assert str(caught.value) == f"{FOLDER}/experiment.toml, {message}"


def test_forms_of_profiles() -> None:
    with pytest.raises(NivisError) as caught:
        decode_experiment("[profiles]\nx = 1\n[profiles.'a b']\n", FOLDER)
    assert [str(part) for part in caught.value.parts()] == [
        f"{FOLDER}/experiment.toml, line 2: profiles.x must be a table, but it is an integer. "
        "Write [profiles.x] above its keys.",
        f"{FOLDER}/experiment.toml, line 3: 'a b' cannot be the name of a profile. "
        "Use letters, digits, '_' and '-', and do not begin with '-'.",
    ]


def test_an_unknown_profile() -> None:
    with pytest.raises(NivisError) as caught:
        with_profile(PENGUINS, "smok")
    assert str(caught.value) == "--profile: 'penguins' has no profile named 'smok'. Did you mean 'smoke'?"


def test_overridden_merges_tables_and_replaces_the_rest() -> None:
    assert overridden({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}, "d": "x"}) == {
        "a": {"b": 1, "c": [3]},
        "d": "x",
    }


@pytest.mark.parametrize(
    ("texts", "overrides"),
    [
        (["seed=3"], {"seed": 3}),
        (["model.c=0.1", "model.kind=rf"], {"model": {"c": 0.1, "kind": "rf"}}),
        (['name="a b"', "on=true", "list=[1, 'x']"], {"name": "a b", "on": True, "list": [1, "x"]}),
        (["t={ a = 1 }"], {"t": {"a": 1}}),
        (["path=data/x.csv", "empty=", "eq=a=b"], {"path": "data/x.csv", "empty": "", "eq": "a=b"}),
        (["when=2026-11-20"], {"when": "2026-11-20"}),
        (["x=1\ny = 2"], {"x": "1\ny = 2"}),
        (["a=1", "a=2"], {"a": 2}),
    ],
)
def test_parse(texts: list[str], overrides: dict[str, Value]) -> None:
    assert parse_overrides(texts) == overrides


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed", "-P: 'seed' sets nothing. Write -P model.c=3."),
        ("=3", "-P: '=3' sets nothing. Write -P model.c=3."),
        ("a..b=3", "-P: 'a..b=3' sets nothing. Write -P model.c=3."),
        ("x=inf", "-P: 'x' must be a finite number, but it is inf. Write it in quotes."),
        ("x=[99999999999999999999]", "-P: 'x' does not fit into 64 bits. Write it in quotes."),
    ],
)
def test_parse_error(text: str, message: str) -> None:
    with pytest.raises(NivisError) as caught:
        parse_overrides([text])
    assert str(caught.value) == message


def test_a_run_with_other_parameters() -> None:
    run = with_overrides(with_profile(PENGUINS, "smoke"), {"model": {"c": 3}})
    assert run.params == {"seed": 0, "grid": [1], "model": {"c": 3, "kind": "svm"}}
    assert run.overrides == {"grid": [1], "model": {"c": 3}}
    assert run.variant == "penguins-smoke-952cc662"
    assert with_overrides(PENGUINS, {"seed": 1}).variant != with_overrides(PENGUINS, {"seed": 2}).variant


def test_a_run_with_an_unknown_parameter() -> None:
    with pytest.raises(NivisError) as caught:
        with_overrides(PENGUINS, {"modl": {"c": 3}})
    assert str(caught.value) == "-P: no parameter named 'modl.c'. Did you mean 'model.c'?"
