# Compare sums of dice with a normal distribution: fit.R SUMS OUT
words <- commandArgs(trailingOnly = TRUE)
sums <- scan(words[1], quiet = TRUE)

values <- sort(unique(sums))
share <- cumsum(table(sums)) / length(sums)
normal <- pnorm(values + 0.5, mean(sums), sd(sums))
distance <- max(abs(share - normal))
cat(sprintf('{"mean": %.6g, "sd": %.6g, "distance": %.6g}\n', mean(sums), sd(sums), distance),
    file = file.path(words[2], "metrics.json"))

svg(file.path(words[2], "sums.svg"), width = 5, height = 4)
plot(table(sums) / length(sums), xlab = "sum", ylab = "share")
curve(dnorm(x, mean(sums), sd(sums)), add = TRUE, col = "steelblue", lwd = 2)
invisible(dev.off())
