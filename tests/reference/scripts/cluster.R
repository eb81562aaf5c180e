# Whole clusters: CR2, Satterthwaite df, CR1S, the ratio by delta, the intraclass correlation.
#
#   Rscript cluster.R > cluster_R.json; python3 cluster.py cluster_R.json > ../cluster.json
#
# Data: ../../data/cgd.csv, a cluster being the patients of one centre and one arm, the stratum the
# kind of hospital (hos_cat), x the age. Every model is fitted by lm() to one row a customer. `x_some`: x is unknown for every 7th row of
# cgd (0 with an indicator). `rate`: y/exposure with weights = exposure, that is, every row multiplied
# by its root, as good as independent rows of variance 1/exposure. (vcovCR(inverse_var = TRUE) takes
# another square root of the same matrix: standard errors differ by .5 %.)
suppressMessages({library(clubSandwich); library(jsonlite)})
here <- "../../data/"
cgd <- read.csv(paste0(here, "cgd.csv"), stringsAsFactors = FALSE)
cgd$t <- as.numeric(cgd$arm == "treatment")
cgd$cluster <- paste(cgd$stratum, cgd$arm)
cgd$s <- factor(cgd$hos_cat)
cgd$x <- cgd$age
cgd$y <- cgd$after
one <- function(d, formula, weights = NULL) {
  d$w <- if (is.null(weights)) 1 else weights
  X <- model.matrix(formula, d)
  z <- sqrt(d$w) * model.response(model.frame(formula, d))
  Z <- sqrt(d$w) * X
  m <- lm(z ~ 0 + Z)
  names(m$coefficients) <- colnames(X)
  V <- vcovCR(m, cluster = d$cluster, type = "CR2")
  S <- vcovCR(m, cluster = d$cluster, type = "CR1S")
  k <- which(names(coef(m)) == "t")
  test <- coef_test(m, vcov = V, test = "Satterthwaite", coefs = k)
  df <- if (!is.null(test$df_Satt)) test$df_Satt[1] else test$df[1]
  b <- coef(m)[k]; se <- sqrt(V[k, k])
  # Means at the average of all else.
  centre <- colSums(X * d$w) / sum(d$w)
  a1 <- centre; a1["t"] <- 1
  a0 <- centre; a0["t"] <- 0
  m1 <- sum(a1 * coef(m)); m0 <- sum(a0 * coef(m))
  g <- a1 / m1 - a0 / m0
  log_se <- sqrt(drop(t(g) %*% as.matrix(V) %*% g))
  q <- qt(.975, df)
  out <- list(n = nrow(d), clusters = length(unique(d$cluster)), value = b, se = se, df = df,
    p_value = 2 * pt(-abs(b / se), df), ci_lower = b - q * se, ci_upper = b + q * se,
    se_cr1s = sqrt(S[k, k]), mean_treatment = m1, mean_control = m0, ratio = m1 / m0,
    ratio_se = log_se, ratio_ci_lower = exp(log(m1 / m0) - q * log_se),
    ratio_ci_upper = exp(log(m1 / m0) + q * log_se),
    ratio_p_value = 2 * pt(-abs(log(m1 / m0) / log_se), df))
  if (is.null(weights)) {
    sizes <- table(d$cluster)
    out$cluster_size_mean <- mean(sizes)
    out$cluster_size_cv <- sd(sizes) / mean(sizes)
    # Analysis of variance: clusters within arms.
    of_cluster <- ave(d$y, d$cluster); of_arm <- ave(d$y, d$t)
    msb <- sum((of_cluster - of_arm)^2) / (length(sizes) - 2)
    msw <- sum((d$y - of_cluster)^2) / (nrow(d) - length(sizes))
    arm_of <- d$t[match(names(sizes), as.character(d$cluster))]
    n_arm <- tapply(d$y, d$t, length)
    s2 <- sum(tapply(as.numeric(sizes), arm_of, function(v) sum(v^2)) / n_arm)
    m <- (nrow(d) - s2) / (length(sizes) - 2)
    out$icc <- (msb - msw) / (msb + (m - 1) * msw)
  }
  lapply(out, unname)
}
cgd$x_some <- ifelse(seq_len(nrow(cgd)) %% 7 == 0, 0, cgd$x)
cgd$no_x <- as.numeric(seq_len(nrow(cgd)) %% 7 == 0)
results <- list(
  "cgd.plain" = one(cgd, y ~ t),
  "cgd.strata" = one(cgd, y ~ t + s),
  "cgd.x" = one(cgd, y ~ t + x),
  "cgd.x.strata" = one(cgd, y ~ t + x + s),
  "cgd.x_some.strata" = one(cgd, y ~ t + x_some + no_x + s),
  "cgd.rate" = one(cgd, I(y / exposure) ~ t, cgd$exposure),
  "cgd.rate.strata" = one(cgd, I(y / exposure) ~ t + s, cgd$exposure),
  "cgd.exposure" = one(transform(cgd, y = exposure), y ~ t))
versions <- list(R = R.version.string, clubSandwich = as.character(packageVersion("clubSandwich")))
write(toJSON(list(script = "tests/reference/scripts/cluster.R", versions = versions,
  results = results), auto_unbox = TRUE, digits = I(17), pretty = TRUE), stdout())
