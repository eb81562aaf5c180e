#!/usr/bin/env Rscript
# Error rates of R's negative binomial fit and of BCa intervals from its bootstrap, where nothing works.
#
# Two arms of n customers in two strata; the rate of a customer is gamma (mean, phi), the counts before
# and after are Poisson given it.
# negbin: MASS::glm.nb(after ~ arm + stratum + log1p(before)), Wald test.
# bootstrap: boot::boot of the difference of means, resampled within arm and stratum, and boot.ci's BCa
#   with the influence of the jackknife: of a mean, each customer's distance from the group's own.
# Fits that fail count neither way. Writes ../calibration_errors_r.json.
suppressMessages({ library(MASS); library(boot); library(jsonlite); library(parallel) })
RNGkind("L'Ecuyer-CMRG")
ALPHA <- .05
DRAWS <- 999

customers <- function(n, mean, phi) {
  rate <- rgamma(2 * n, shape = 1 / phi, scale = mean * phi)
  data.frame(arm = rep(0:1, each = n), stratum = rep(0:1, n), before = rpois(2 * n, rate), after = rpois(2 * n, rate))
}

negbin <- function(d) {
  fit <- tryCatch(suppressWarnings(glm.nb(after ~ arm + stratum + log1p(before), data = d)), error = function(e) NULL)
  if (is.null(fit)) return(NA)
  summary(fit)$coefficients["arm", "Pr(>|z|)"] <= ALPHA
}

difference <- function(y, arm) function(d, i) { y <- y[i]; a <- arm[i]; sum(y * a) / sum(a) - sum(y * (1 - a)) / sum(1 - a) }
bootstrap <- function(d) {
  draws <- boot(d, difference(d$after, d$arm), R = DRAWS, strata = interaction(d$arm, d$stratum))
  influence <- (d$after - ave(d$after, d$arm, d$stratum)) * (2 * d$arm - 1)
  ends <- tryCatch(suppressWarnings(boot.ci(draws, conf = 1 - ALPHA, type = "bca", L = influence))$bca[4:5], error = function(e) NULL)
  if (is.null(ends)) NA else ends[1] > 0 || ends[2] < 0
}

situations <- list(
  list(cell = "nb-mean1-phi5-n200", n = 200, mean = 1, phi = 5, estimator = "negbin", pilots = 4000),
  list(cell = "nb-mean1-phi5-n2000", n = 2000, mean = 1, phi = 5, estimator = "negbin", pilots = 1000),
  list(cell = "nb-mean1-phi1-n200", n = 200, mean = 1, phi = 1, estimator = "negbin", pilots = 2000),
  list(cell = "nb-mean1-phi5-n200", n = 200, mean = 1, phi = 5, estimator = "bootstrap", pilots = 4000),
  list(cell = "nb-mean5-phi5-n200", n = 200, mean = 5, phi = 5, estimator = "bootstrap", pilots = 4000)
)
methods <- list(negbin = negbin, bootstrap = bootstrap)
results <- lapply(seq_along(situations), function(i) {
  s <- situations[[i]]
  set.seed(20260101 + i)
  missed <- unlist(mclapply(seq_len(s$pilots), function(k) methods[[s$estimator]](customers(s$n, s$mean, s$phi)), mc.cores = 2))
  missed <- missed[!is.na(missed)]
  error <- mean(missed)
  message(s$cell, " ", s$estimator, " ", error, " of ", length(missed))
  list(cell = s$cell, estimator = s$estimator, error = error, mcse = sqrt(error * (1 - error) / length(missed)), pilots = length(missed))
})
out <- list(
  script = "scripts/calibration_errors_r.R",
  versions = list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")), boot = as.character(packageVersion("boot"))),
  results = results
)
args <- commandArgs(FALSE)
here <- dirname(normalizePath(sub("^--file=", "", grep("^--file=", args, value = TRUE))))
write(toJSON(out, auto_unbox = TRUE, digits = NA, pretty = 1), file.path(dirname(here), "calibration_errors_r.json"))
