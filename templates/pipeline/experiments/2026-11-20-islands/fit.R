# Fit a line to the penguins of one island: fit.R ISLAND.csv NAME OUT
words <- commandArgs(trailingOnly = TRUE)
penguins <- read.csv(words[1])

model <- lm(flipper_length_mm ~ body_mass_g, data = penguins)
slope <- coef(model)[["body_mass_g"]]
cat(sprintf('{"penguins": %d, "slope": %.6g, "r2": %.6g}\n', nrow(penguins), slope, summary(model)$r.squared),
    file = file.path(words[3], "metrics.json"))

svg(file.path(words[3], "fit.svg"), width = 5, height = 4)
plot(penguins, main = words[2], xlab = "body mass (g)", ylab = "flipper length (mm)", pch = 20, col = "steelblue")
abline(model, lwd = 2)
invisible(dev.off())
