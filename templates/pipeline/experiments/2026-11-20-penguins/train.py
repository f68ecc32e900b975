"""Fit a linear model and test it on penguins it has not seen: writes model.json, metrics.json and confusion.svg."""

import argparse
import json
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from figures import new_axes, save
from penguins import MEASUREMENTS, SPECIES


def main() -> None:
    options = parse()
    penguins = pd.read_csv(options.data)
    train, test = train_test_split(
        penguins, test_size=options.test_size, random_state=options.seed, stratify=penguins[SPECIES]
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=options.c))
    model.fit(train[MEASUREMENTS], train[SPECIES])
    predicted = model.predict(test[MEASUREMENTS])

    write_json(options.out / "model.json", describe(model))
    write_json(
        options.out / "metrics.json",
        {
            "accuracy": round(accuracy_score(test[SPECIES], predicted), 6),
            "f1": round(f1_score(test[SPECIES], predicted, average="macro"), 6),
            "penguins": {"train": len(train), "test": len(test)},
        },
    )
    draw_confusion(test[SPECIES], predicted, list(model.classes_), options.out / "confusion.svg")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--test-size", type=float, required=True)
    parser.add_argument("--c", type=float, required=True)
    return parser.parse_args()


def describe(model) -> dict[str, dict[str, float]]:
    """Return the weight of every measurement for every species, rounded so that processors agree."""
    regression = model[-1]
    return {
        species: {
            name: round(float(weight), 4)
            for name, weight in zip(["intercept", *MEASUREMENTS], [intercept, *weights], strict=True)
        }
        for species, intercept, weights in zip(
            regression.classes_, regression.intercept_, regression.coef_, strict=True
        )
    }


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def draw_confusion(actual, predicted, labels: list[str], path: Path) -> None:
    counts = confusion_matrix(actual, predicted, labels=labels)
    axes = new_axes(title="Penguins the model has not seen", xlabel="predicted", ylabel="actual")
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks(range(len(labels)), labels)
    for (row, column), count in sorted((place, int(counts[place])) for place in zip(*counts.nonzero(), strict=True)):
        axes.text(column, row, count, ha="center", va="center", color="white" if count > counts.max() / 2 else "black")
    save(axes, path)


main()
