"""What the experiments know about the Palmer penguins."""

SPECIES = "species"
MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
