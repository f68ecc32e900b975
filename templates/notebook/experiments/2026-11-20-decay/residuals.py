# %% [markdown]
# # What the line leaves over

# %%
import csv
import json
from pathlib import Path

import matplotlib.pyplot as plt

# %% tags=["parameters"]
table = "counts.csv"
fit = "metrics.json"
out = "."

# %%
with Path(table).open() as file:
    counts = {int(row["second"]): int(row["count"]) for row in csv.DictReader(file)}
line = json.loads(Path(fit).read_text())

# %%
residuals = [n / (line["start"] * 0.5 ** (t / line["half-life"])) - 1 for t, n in counts.items()]
plt.stem(list(counts), residuals)
plt.xlabel("second")
plt.ylabel("relative residual")
plt.savefig(f"{out}/residuals.svg", metadata={"Date": None})
