"""Write a file for each island: split.py PENGUINS.csv FOLDER."""

import sys
from pathlib import Path

import pandas as pd

source, target = sys.argv[1:]

folder = Path(target)
folder.mkdir(parents=True)
complete = pd.read_csv(source)[["island", "body_mass_g", "flipper_length_mm"]].dropna()
for island, penguins in complete.groupby("island", sort=True):
    columns = penguins[["body_mass_g", "flipper_length_mm"]].sort_values(["body_mass_g", "flipper_length_mm"])
    columns.to_csv(folder / f"{island}.csv", index=False, lineterminator="\n")
    print(f"{len(penguins)} penguins on {island}")
