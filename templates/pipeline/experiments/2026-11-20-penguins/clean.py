"""Keep the penguins that were measured completely: clean.py PENGUINS.csv CLEAN.csv."""

import sys

import pandas as pd

from penguins import MEASUREMENTS, SPECIES

source, target = sys.argv[1:]

penguins = pd.read_csv(source)[[SPECIES, *MEASUREMENTS]]
complete = penguins.dropna().sort_values([SPECIES, *MEASUREMENTS])
complete.to_csv(target, index=False, lineterminator="\n")

print(f"{len(complete)} of {len(penguins)} penguins were measured completely")
