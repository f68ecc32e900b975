"""Draw the bills of each species: explore.py CLEAN.csv BILLS.svg."""

import sys

import pandas as pd

from figures import new_axes, save
from penguins import SPECIES

source, target = sys.argv[1:]

axes = new_axes(title="Bills", xlabel="length (mm)", ylabel="depth (mm)")
for species, penguins in pd.read_csv(source).groupby(SPECIES, sort=True):
    axes.scatter(penguins["bill_length_mm"], penguins["bill_depth_mm"], s=14, alpha=0.7, label=species)
axes.legend(frameon=False)
save(axes, target)
