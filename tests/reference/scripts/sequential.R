# Group-sequential references: futility, Wang-Tsiatis, two-sided spending, stage-wise
# p-values, median-unbiased estimates, repeated p-values, over-running, combination,
# blinded re-estimation.
#   Rscript sequential.R DATA_DIR > ../sequential.json
# Two sources: rpact (package output) and pmvnorm (Miwa's algorithm) solved with uniroot.
suppressMessages({library(rpact); library(mvtnorm); library(MASS)})
options(warn = 1)
setLogLevel("DISABLED")
data_dir <- commandArgs(TRUE)[1]
records <- character()
digits <- function(x) ifelse(is.na(x), "null", sprintf("%.15g", x))
num <- function(x) paste0("[", paste(digits(x), collapse = ","), "]")
one <- function(x) if (length(x) == 1) digits(x) else num(x)
add <- function(id, made_by, values) {
  body <- paste(sprintf("\"%s\":%s", names(values), vapply(values, one, "")), collapse = ",")
  records <<- c(records, sprintf("{\"id\":\"%s\",\"made_by\":\"%s\",\"values\":{%s}}", id, made_by, body))
}
miwa <- Miwa(steps = 4097)

# --- designs -----------------------------------------------------------------------
design <- function(id, ..., power = NULL) {
  d <- getDesignGroupSequential(...)
  v <- list(alpha = d$alpha, sided = d$sided, information = d$informationRates,
            critical_z = d$criticalValues, cumulative_alpha = d$alphaSpent)
  if (d$typeBetaSpending != "none") {
    v$beta <- d$beta
    v$futility_z <- d$futilityBounds
    ch <- getDesignCharacteristics(d)
    v$shift <- ch$shift
    v$inflation <- ch$inflationFactor
  }
  add(id, "rpact 3.3.4 getDesignGroupSequential", v)
}
# rpact's default tolerance of 1e-8 is on alpha; 1e-10 (its least) makes z good to 1e-8 or so.
tol <- 1e-10
design("wang_tsiatis_25_K4_sided1", typeOfDesign = "WT", deltaWT = .25, kMax = 4, alpha = .025, sided = 1, tolerance = tol)
design("wang_tsiatis_10_unequal_sided2", typeOfDesign = "WT", deltaWT = .1, informationRates = c(.3, .55, .8, 1), alpha = .05, sided = 2, tolerance = tol)
design("ld_obf_unequal_sided2", typeOfDesign = "asOF", informationRates = c(.3, .55, .8, 1), alpha = .05, sided = 2, tolerance = tol)
design("ld_pocock_K3_sided2", typeOfDesign = "asP", kMax = 3, alpha = .05, sided = 2, tolerance = tol)
design("hsd_minus2_unequal_sided2", typeOfDesign = "asHSD", gammaA = -2, informationRates = c(.2, .7, 1), alpha = .1, sided = 2, tolerance = tol)
design("kim_demets_3_K5_sided2", typeOfDesign = "asKD", gammaA = 3, kMax = 5, alpha = .05, sided = 2, tolerance = tol)
design("obf_futility_obf_K3_sided1", typeOfDesign = "asOF", typeBetaSpending = "bsOF", kMax = 3, alpha = .025, beta = .2, sided = 1, bindingFutility = FALSE, tolerance = tol)
design("pocock_futility_pocock_K4_sided1", typeOfDesign = "asP", typeBetaSpending = "bsP", kMax = 4, alpha = .025, beta = .1, sided = 1, bindingFutility = FALSE, tolerance = tol)
design("hsd_futility_hsd_unequal_sided1", typeOfDesign = "asHSD", gammaA = -4, typeBetaSpending = "bsHSD", gammaB = -2, informationRates = c(.3, .6, 1), alpha = .05, beta = .2, sided = 1, bindingFutility = FALSE, tolerance = tol)
design("kd_futility_kd_unequal_sided1", typeOfDesign = "asKD", gammaA = 2, typeBetaSpending = "bsKD", gammaB = 1.5, informationRates = c(.4, .7, 1), alpha = .025, beta = .15, sided = 1, bindingFutility = FALSE, tolerance = tol)
try(design("obf_futility_obf_K3_sided2", typeOfDesign = "asOF", typeBetaSpending = "bsOF", kMax = 3, alpha = .05, beta = .2, sided = 2, bindingFutility = FALSE, tolerance = tol))

# --- the walk by multivariate normal probabilities ---------------------------------
corr <- function(t) outer(t, t, function(a, b) sqrt(pmin(a, b) / pmax(a, b)))
# P(first crossing, up or on either side, at look k)
reach <- function(lo, hi, t, delta, k) {
  # P(lo_j < Z_j < hi_j for j < k, lo_k < Z_k < hi_k)
  pmvnorm(lower = lo[1:k], upper = hi[1:k], mean = delta * sqrt(t[1:k]), corr = corr(t[1:k]), algorithm = miwa)[1]
}
first_up <- function(t, z, sided, delta, k) {
  lo <- if (sided == 1) rep(-Inf, k) else -z[1:k]
  hi <- z[1:k]
  if (k == 1) return(pnorm(z[1], delta * sqrt(t[1]), lower.tail = FALSE))
  lo[k] <- z[k]; hi[k] <- Inf
  reach(lo, hi, t, delta, k)
}
more_extreme <- function(t, z, sided, delta) {
  sum(vapply(seq_along(t), function(k) first_up(t, z, sided, delta, k), 0))
}
stage_wise <- function(id, t, critical, z, sided, alpha) {
  # t: information of looks, the last now; critical: of the looks before; z now
  t <- t / t[length(t)]
  f <- function(d, zz = z) more_extreme(t, c(critical, zz), sided, d)
  p <- if (sided == 1) f(0) else 2 * min(f(0), f(0, -z))
  at <- function(q) uniroot(function(d) f(d) - q, c(z - 8, z + 8), tol = 1e-11)$root
  add(id, "mvtnorm 1.1-3 pmvnorm, Miwa, 4097 steps; uniroot", list(
    information = t, critical_z = critical, z = z, sided = sided, alpha = alpha, p = p,
    median = at(.5), lower = at(alpha / 2), upper = at(1 - alpha / 2)))
}
d3 <- getDesignGroupSequential(typeOfDesign = "asOF", kMax = 3, alpha = .05, sided = 2, tolerance = tol)$criticalValues
p4 <- getDesignGroupSequential(typeOfDesign = "asP", informationRates = c(.3, .55, .8, 1), alpha = .025, sided = 1, tolerance = tol)$criticalValues
stage_wise("stage_wise_obf_K3_sided2_look2", c(1, 2), d3[1], 2.9, 2, .05)
stage_wise("stage_wise_obf_K3_sided2_end", c(1, 2, 3), d3[1:2], 2.1, 2, .05)
stage_wise("stage_wise_obf_K3_sided2_harm", c(1, 2, 3), d3[1:2], -1.2, 2, .05)
stage_wise("stage_wise_pocock_sided1_look2", c(.3, .55), p4[1], 2.6, 1, .05)
stage_wise("stage_wise_pocock_sided1_end", c(.3, .55, .8, 1), p4[1:3], 1.1, 1, .05)

# --- rpact's final and repeated inference on means ----------------------------------
rpact_final <- function(id, d, n, diff, sd, stage) {
  m <- n * 0
  x <- getDataset(n1 = n[1:stage], n2 = n[1:stage], means1 = diff[1:stage], means2 = m[1:stage],
                  stDevs1 = rep(sd, stage), stDevs2 = rep(sd, stage))
  r <- getAnalysisResults(d, x, stage = stage, normalApproximation = TRUE, thetaH0 = 0, directionUpper = TRUE)
  s <- getStageResults(d, x, stage = stage, normalApproximation = TRUE, thetaH0 = 0, directionUpper = TRUE)
  z <- s$overallTestStatistics[stage]
  effect <- s$effectSizes[stage]
  add(id, "rpact 3.3.4 getAnalysisResults, normalApproximation", list(
    information = d$informationRates[1:stage], critical_z = d$criticalValues[1:stage], sided = d$sided, alpha = d$alpha,
    planned = d$informationRates,
    z = z, effect = effect, se = effect / z,
    repeated_p = r$repeatedPValues[stage],
    repeated_lower = r$repeatedConfidenceIntervalLowerBounds[stage],
    repeated_upper = r$repeatedConfidenceIntervalUpperBounds[stage],
    final_stage = r$finalStage,
    p = r$finalPValues[stage], median = r$medianUnbiasedEstimates[stage],
    lower = r$finalConfidenceIntervalLowerBounds[stage], upper = r$finalConfidenceIntervalUpperBounds[stage]))
}
of1 <- getDesignGroupSequential(typeOfDesign = "asOF", kMax = 3, alpha = .025, sided = 1, tolerance = tol)
pk1 <- getDesignGroupSequential(typeOfDesign = "asP", informationRates = c(.4, .7, 1), alpha = .025, sided = 1, tolerance = tol)
n3 <- c(100, 100, 100); n4 <- c(160, 120, 120)
try(rpact_final("rpact_obf_sided1_look2", of1, n3, c(.35, .55, .2), 1, 2))
try(rpact_final("rpact_obf_sided1_end", of1, n3, c(.1, .15, .3), 1, 3))
try(rpact_final("rpact_pocock_sided1_look1", pk1, n4, c(.4, .2, .2), 1, 1))
try(rpact_final("rpact_pocock_sided1_end", pk1, n4, c(.1, .1, .35), 1, 3))

# --- more information at the end than planned, looks at other times -----------------
overrun <- function(id, planned_max, info, alpha, sided) {
  # Lan-DeMets O'Brien-Fleming; fractions of the plan before the end, 1 at the end
  k <- length(info)
  f <- pmin(info / planned_max, 1); f[k] <- 1
  a <- alpha / sided
  spent <- sided * 2 * pnorm(qnorm(1 - a / 2) / sqrt(f), lower.tail = FALSE)
  z <- numeric(k)
  for (j in seq_len(k)) {
    step <- (spent[j] - if (j > 1) spent[j - 1] else 0) / sided
    z[j] <- uniroot(function(b) first_up(info, c(z[seq_len(j - 1)], b), sided, 0, j) - step, c(0, 8), tol = 1e-11)$root
  }
  add(id, "mvtnorm 1.1-3 pmvnorm, Miwa, 4097 steps; uniroot",
      list(information_max = planned_max, information = info, alpha = alpha, sided = sided, spent = spent, critical_z = z))
}
overrun("overrun_sided2", 300, c(90, 210, 390), .05, 2)
overrun("underrun_sided1", 300, c(120, 200, 240), .025, 1)

# --- naive looks ---------------------------------------------------------------------
for (k in c(2, 4)) add(sprintf("naive_196_K%d", k), "mvtnorm 1.1-3", list(
  information = seq_len(k) / k, rate = more_extreme(seq_len(k) / k, rep(qnorm(.975), k), 1, 0)))

# --- combination -------------------------------------------------------------------------
comb <- getDesignInverseNormal(kMax = 2, alpha = .025, informationRates = c(.49, .58) / .58, typeOfDesign = "asOF", tolerance = tol)
p <- c(.06, .02)
x <- getDataset(n1 = c(100, 100), n2 = c(100, 100), means1 = sqrt(2 / 100) * qnorm(1 - p), means2 = c(0, 0), stDevs1 = c(1, 1), stDevs2 = c(1, 1))
s <- getStageResults(comb, x, stage = 2, normalApproximation = TRUE, directionUpper = TRUE)
add("inverse_normal_70_30", "rpact 3.3.4 getDesignInverseNormal", list(
  weights = c(.7, .3), p = s$pValues, z = s$combInverseNormal[2], fractions = comb$informationRates, critical_z = comb$criticalValues))

# --- blinded re-estimation: one negative binomial for all arms together ---------------------
blinded <- function(id, d, y, e) {
  fit <- glm.nb(y ~ 1 + offset(log(e)), data = data.frame(y = d[[y]], e = d[[e]]),
                control = glm.control(epsilon = 1e-14, maxit = 200))
  add(id, "MASS 7.3-58.2 glm.nb", list(rate = exp(coef(fit)[[1]]), dispersion = 1 / fit$theta, customers = nrow(d)))
}
blinded("blinded_epil", read.csv(file.path(data_dir, "epil.csv")), "after", "exposure")
blinded("blinded_cgd", read.csv(file.path(data_dir, "cgd.csv")), "after", "exposure")

cat("{\n\"script\": \"tests/reference/scripts/sequential.R\",\n\"versions\": {\"R\": \"", as.character(getRversion()),
    "\", \"rpact\": \"", as.character(packageVersion("rpact")), "\", \"mvtnorm\": \"", as.character(packageVersion("mvtnorm")),
    "\", \"MASS\": \"", as.character(packageVersion("MASS")), "\"},\n\"results\": [\n", sep = "")
cat(paste(records, collapse = ",\n"))
cat("\n]}\n")
