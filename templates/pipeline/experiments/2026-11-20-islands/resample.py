"""Fit a line to a share of all penguins, drawn at random: resample.py PENGUINS.csv SHARE SEED METRICS.json."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

source, share, seed, target = sys.argv[1:]

penguins = pd.read_csv(source)[["body_mass_g", "flipper_length_mm"]].dropna()
drawn = penguins.sample(frac=float(share), random_state=int(seed))
slope, _ = np.polyfit(drawn["body_mass_g"], drawn["flipper_length_mm"], 1)
metrics = {"penguins": len(drawn), "slope": round(float(slope), 6)}
Path(target).write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
