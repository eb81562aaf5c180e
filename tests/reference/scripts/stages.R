# Two stages combined by the inverse normal method: stage-wise p, boundaries, combined z, the p,
# estimate and interval over both stages, repeated p, conditional power.
#   Rscript stages.R DATA_DIR > ../stages.json
# Two sources: rpact (package output) and pmvnorm (Miwa's algorithm) solved with uniroot.
suppressMessages({library(rpact); library(mvtnorm)})
options(warn = -1) # Miwa says that it takes infinity for 1000
setLogLevel("DISABLED")
data_dir <- commandArgs(TRUE)[1]
records <- character()
digits <- function(x) ifelse(is.na(x), "null", sprintf("%.15g", x))
one <- function(x) {
  if (is.character(x)) return(sprintf("\"%s\"", x))
  if (length(x) == 1) digits(x) else paste0("[", paste(digits(x), collapse = ","), "]")
}
add <- function(id, made_by, values) {
  body <- paste(sprintf("\"%s\":%s", names(values), vapply(values, one, "")), collapse = ",")
  records <<- c(records, sprintf("{\"id\":\"%s\",\"made_by\":\"%s\",\"values\":{%s}}", id, made_by, body))
}
miwa <- Miwa(steps = 4097)
tol <- 1e-10

# P(more extreme): (Z1, combined z) bivariate normal, correlation w1, first-stage boundary c1.
# Means theta/se1 and theta (w1/se1 + w2/se2): the second stage has the size that it had.
more_extreme <- function(theta, zc, c1, se, w, sided) {
  m <- c(theta / se[1], theta * sum(w / se))
  corr <- matrix(c(1, w[1], w[1], 1), 2)
  low <- if (sided == 1) -Inf else -c1
  pnorm(c1, m[1], lower.tail = FALSE) +
    pmvnorm(lower = c(low, zc), upper = c(c1, Inf), mean = m, corr = corr, algorithm = miwa)[1]
}
both <- function(effect, se, w, c1, sided, alpha) {
  zc <- sum(w * effect / se)
  p <- if (sided == 1) more_extreme(0, zc, c1, se, w, 1) else
    2 * min(more_extreme(0, zc, c1, se, w, 2), more_extreme(0, -zc, c1, se, w, 2))
  est <- zc / sum(w / se)
  half <- 14 / sum(w / se)
  at <- function(q) uniroot(function(t) more_extreme(t, zc, c1, se, w, sided) - q, est + c(-half, half), tol = 1e-12)$root
  list(z_combined = zc, estimate = est, se_combined = 1 / sum(w / se), p_both = p,
       median = at(.5), lower = at(alpha / 2), upper = at(1 - alpha / 2))
}

# --- rpact's own final inference, known spread 1: sizes as planned, far larger, far smaller ------
rpact_both <- function(id, weights, n, diff, alpha = .025, type = "asOF") {
  w <- weights / sqrt(sum(weights^2))
  d <- getDesignInverseNormal(kMax = 2, alpha = alpha, sided = 1, informationRates = c(w[1]^2, 1), typeOfDesign = type, tolerance = tol)
  x <- getDataset(n1 = n, n2 = n, means1 = diff, means2 = c(0, 0), stDevs1 = c(1, 1), stDevs2 = c(1, 1))
  s <- getStageResults(d, x, stage = 2, normalApproximation = TRUE, directionUpper = TRUE)
  f <- getFinalConfidenceInterval(d, x, stage = 2, normalApproximation = TRUE, directionUpper = TRUE, tolerance = 1e-12)
  r <- getAnalysisResults(d, x, stage = 2, normalApproximation = TRUE, thetaH0 = 0, directionUpper = TRUE)
  se <- sqrt(2 / n)
  mine <- both(diff, se, w, d$criticalValues[1], 1, 2 * alpha)
  add(id, "rpact 3.3.4 getDesignInverseNormal, getFinalConfidenceInterval, getAnalysisResults, normalApproximation", list(
    weights = weights, type = type, alpha = alpha, critical_z = d$criticalValues, effect = diff, se = se,
    p = s$pValues, z_combined = s$combInverseNormal[2], p_both = r$finalPValues[2],
    median = f$medianUnbiasedGeneral, lower = f$finalConfidenceIntervalGeneral[1], upper = f$finalConfidenceIntervalGeneral[2],
    repeated_p = r$repeatedPValues[2]))
  add(paste0(id, "_pmvnorm"), "mvtnorm 1.1-3 pmvnorm, Miwa, 4097 steps; uniroot",
      c(list(weights = weights, sided = 1, alpha = 2 * alpha, critical_first = d$criticalValues[1], effect = diff, se = se), mine))
}
rpact_both("rpact_as_planned", c(1, 1), c(100, 100), c(.21, .3))
rpact_both("rpact_enlarged", c(.7, .3), c(100, 400), c(.2, .15))
rpact_both("rpact_shrunk", c(.6, .8), c(150, 40), c(.18, .42))
rpact_both("rpact_pocock", c(1, 2), c(80, 200), c(.1, .26), type = "asP")
rpact_both("rpact_no_effect", c(1, 1), c(100, 120), c(.1, -.15))

# --- two-sided, by pmvnorm alone: rpact's intervals are of one-sided designs ------------------------
two_sided <- function(id, weights, effect, se, alpha = .05) {
  w <- weights / sqrt(sum(weights^2))
  d <- getDesignGroupSequential(kMax = 2, alpha = alpha, sided = 2, informationRates = c(w[1]^2, 1), typeOfDesign = "asOF", tolerance = tol)
  add(id, "rpact 3.3.4 for the boundary; mvtnorm 1.1-3 pmvnorm, Miwa, 4097 steps; uniroot",
      c(list(weights = weights, sided = 2, alpha = alpha, critical_z = d$criticalValues, critical_first = d$criticalValues[1], effect = effect, se = se),
        both(effect, se, w, d$criticalValues[1], 2, alpha)))
}
two_sided("two_sided_enlarged", c(.7, .3), c(.2, .15), sqrt(2 / c(100, 400)))
two_sided("two_sided_harm", c(1, 1), c(-.12, -.3), sqrt(2 / c(100, 60)))

# --- real data, halves as stages: Welch's t of each stage -------------------------------------------
data_stages <- function(id, file, column, better, weights, alpha) {
  d <- read.csv(file.path(data_dir, file))
  d <- d[!is.na(d[[column]]), ]
  odd <- seq_len(nrow(d)) %% 2 == 1
  treated <- !(d$arm %in% c("control", "placebo"))
  sum4 <- function(f) c(f(d[[column]][odd & treated]), f(d[[column]][!odd & treated]), f(d[[column]][odd & !treated]), f(d[[column]][!odd & !treated]))
  m <- sum4(mean); s <- sum4(sd); n <- sum4(length)
  w <- weights / sqrt(sum(weights^2))
  design <- getDesignInverseNormal(kMax = 2, alpha = alpha, sided = 1, informationRates = c(w[1]^2, 1), typeOfDesign = "asOF", tolerance = tol)
  x <- getDataset(n1 = n[1:2], n2 = n[3:4], means1 = m[1:2], means2 = m[3:4], stDevs1 = s[1:2], stDevs2 = s[3:4])
  up <- better == "higher"
  st <- getStageResults(design, x, stage = 2, normalApproximation = FALSE, equalVariances = FALSE, directionUpper = up)
  r <- getAnalysisResults(design, x, stage = 2, normalApproximation = FALSE, equalVariances = FALSE, directionUpper = up)
  # t.test once more, by the formula: z of each stage, and the standard error for which effect/se is z
  t <- lapply(c(TRUE, FALSE), function(k) t.test(d[[column]][odd == k & treated], d[[column]][odd == k & !treated], alternative = if (up) "greater" else "less"))
  p <- vapply(t, function(t) t$p.value, 0)
  stopifnot(max(abs(p - st$pValues)) < 1e-12)
  effect <- (if (up) 1 else -1) * (m[1:2] - m[3:4])
  z <- qnorm(p, lower.tail = FALSE)
  add(id, "rpact 3.3.4 getStageResults and getAnalysisResults, Welch; mvtnorm 1.1-3 for p, median, lower and upper over both",
      c(list(file = file, column = column, better = better, weights = weights, alpha = alpha, n_arm = n[1:2], n_control = n[3:4],
             critical_z = design$criticalValues, p = st$pValues, z_rpact = st$combInverseNormal[2], p_rpact = r$finalPValues[2],
             repeated_p = r$repeatedPValues[2], effect = effect, se = effect / z),
        both(effect, effect / z, w, design$criticalValues[1], 1, 2 * alpha)))
}
data_stages("cgd", "cgd.csv", "after", "lower", c(1, 1), .025)
data_stages("btheb", "btheb.csv", "after_2m", "lower", c(.7, .3), .025)
data_stages("nsw", "nsw.csv", "after", "higher", c(.6, .8), .05)

# --- conditional power of the combination test ---------------------------------------------------------
power_after <- function(id, weights, z1, n1, n2, theta) {
  w <- weights / sqrt(sum(weights^2))
  d <- getDesignInverseNormal(kMax = 2, alpha = .025, sided = 1, informationRates = c(w[1]^2, 1), typeOfDesign = "asOF", tolerance = tol)
  x <- getDataset(n1 = n1, n2 = n1, means1 = z1 * sqrt(2 / n1), means2 = 0, stDevs1 = 1, stDevs2 = 1)
  s <- getStageResults(d, x, stage = 1, normalApproximation = TRUE, directionUpper = TRUE)
  cp <- getConditionalPower(s, nPlanned = 2 * n2, allocationRatioPlanned = 1, thetaH1 = theta, assumedStDev = 1)
  add(id, "rpact 3.3.4 getConditionalPower", list(
    weights = weights, critical_z = d$criticalValues, z = z1, n_first = n1, n_second = n2, effect = theta,
    se_first = sqrt(2 / n1), se_second = sqrt(2 / n2), power = cp$conditionalPower[2]))
}
power_after("power_120", c(1, 1), 1.5, 100, 120, .25)
power_after("power_400", c(.7, .3), .9, 100, 400, .2)
power_after("power_50", c(.6, .8), 1.8, 150, 50, .3)

cat("{\n\"script\": \"tests/reference/scripts/stages.R\",\n\"versions\": {\"R\": \"", as.character(getRversion()),
    "\", \"rpact\": \"", as.character(packageVersion("rpact")), "\", \"mvtnorm\": \"", as.character(packageVersion("mvtnorm")),
    "\"},\n\"results\": [\n", paste(records, collapse = ",\n"), "\n]\n}\n", sep = "")
