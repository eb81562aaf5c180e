# Which of two treatment arms: Welch's comparison of the two, without control.
#
# usage: Rscript two_arms.R OUT.json
#
# Data by rule, so that nothing is drawn: customer i = 0, 1, … of arm a (0 is control) has
# (7 i + 3 a + i mod (4 + a)) mod (6 − a) contacts; 60, 55 and 70 customers. `ratio_se` is that of the
# log of the ratio of both means, by the delta method.
suppressMessages(library(jsonlite))
out <- commandArgs(trailingOnly = TRUE)[1]
n <- c(60, 55, 70)
y <- lapply(0:2, function(a) { i <- 0:(n[a + 1] - 1); (7 * i + 3 * a + i %% (4 + a)) %% (6 - a) })
t <- t.test(y[[3]], y[[2]])
se_log <- sqrt(sum(sapply(y[2:3], function(v) var(v) / length(v) / mean(v)^2)))
values <- list(difference = unname(t$estimate[1] - t$estimate[2]), se = t$stderr,
               ratio = mean(y[[3]]) / mean(y[[2]]), ratio_se = se_log)
result <- list(script = "tests/reference/scripts/two_arms.R", source = R.version.string,
               results = list(list(id = "two-arms", definition = "arm 2 against arm 1", values = values)))
write(toJSON(result, auto_unbox = TRUE, digits = 15, pretty = TRUE), out)
