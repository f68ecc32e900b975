"""Compare the slopes of islands and samples: summary.py OUT FOLDER…; writes slopes.csv, metrics.json and slopes.svg."""

import json
import os
import sys
from pathlib import Path

import pandas as pd

from figures import new_axes, save

out = Path(sys.argv[1])
steps = json.loads(Path(os.environ["NIVIS_INPUTS"]).read_text(encoding="utf-8"))["steps"]

rows = [
    {"of": step, "label": instance["label"]}
    | json.loads(Path(instance["path"], "metrics.json").read_text(encoding="utf-8"))
    for step in ("fit", "resample")
    for instance in steps[step]["instances"]
]
slopes = pd.DataFrame(rows)[["of", "label", "penguins", "slope"]]
slopes.to_csv(out / "slopes.csv", index=False, lineterminator="\n")

islands = slopes[slopes["of"] == "fit"]["slope"]
metrics = {"islands": len(islands), "spread": round(float(islands.max() - islands.min()), 6)}
(out / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")

axes = new_axes(title="Slopes", xlabel="flipper length by body mass (mm/kg)", ylabel="")
axes.barh(slopes["label"], 1000 * slopes["slope"], color=["C0" if of == "fit" else "C7" for of in slopes["of"]])
save(axes, out / "slopes.svg")
