# Families of comparisons with one control: Dunnett with each arm's own degrees of freedom
# (Hasler & Hothorn 2008), step-down Dunnett, and intervals that keep the false coverage rate
# (Benjamini & Yekutieli 2005).
#
#   Rscript families.R <folder of the CSV files> > ../families.json
#
# Then what two arms' adjusted ratios share: the influence of each control customer on both.
#
# Exact values are a one-dimensional integral over control's error inside the mixture over the
# scale; beside them stand mvtnorm's pmvt (integer df only, quasi Monte-Carlo) and, for the
# pooled variance, multcomp's glht with "single-step" and "free" (step-down).
suppressMessages({library(mvtnorm); library(multcomp); library(MASS); library(sandwich)})
folder <- commandArgs(trailingOnly = TRUE)[1]
set.seed(1)

# P(some |T_i| >= |t|), T_i = (b_i Z0 + sqrt(1 - b_i^2) Z_i)/S, S = sqrt(chi2_df/df). Over Z0 by
# the trapezoidal rule, which is exact to rounding for such integrands; over ln S by integrate.
z0 <- seq(-9, 9, by = 0.02); w0 <- 0.02 * dnorm(z0)
exceed <- function(t, b, df) {
  rest <- sqrt(1 - b^2)
  given <- function(c) {
    inside <- sapply(seq_along(b), function(i)
      pnorm((c - b[i] * z0) / rest[i]) - pnorm((-c - b[i] * z0) / rest[i]))
    sum(w0 * -expm1(rowSums(log(inside))))
  }
  outer <- function(x) sapply(x, function(x) {
    s <- exp(x)
    2 * df * s^2 * dchisq(df * s^2, df) * given(t * s)
  })
  sd <- 1 / sqrt(2 * df)
  sum(mapply(function(from, to) integrate(outer, from * sd, to * sd, rel.tol = 1e-11,
                                          abs.tol = 1e-15, subdivisions = 200)$value,
             c(-12, -4, 0), c(-4, 0, 6)))
}
critical <- function(b, df, alpha)
  uniroot(function(c) exceed(c, b, df) - alpha, c(1.5, 8), tol = 1e-12)$root
step_down <- function(t, b, df, raw) {
  p <- numeric(length(t)); floor <- 0; order <- order(raw)
  for (k in seq_along(order)) {
    left <- order[k:length(order)]; i <- order[k]
    floor <- max(floor, exceed(abs(t[i]), b[left], df[i])); p[i] <- floor
  }
  p
}
corr_of <- function(b) { r <- outer(b, b); diag(r) <- 1; r }

number <- function(x) ifelse(is.infinite(x) | is.na(x), "null", sprintf("%.17g", x))
list_of <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
record <- function(id, definition, values, note)
  paste0("  {\n   \"id\": \"", id, "\",\n   \"definition\": \"", definition, "\",\n   \"note\": \"", note,
         "\",\n   \"values\": {\n", paste(sprintf("    \"%s\": %s", names(values),
         sapply(values, list_of)), collapse = ",\n"), "\n   }\n  }")

one <- function(name, y, arm, control) {
  arms <- setdiff(sort(unique(arm)), control)
  split <- lapply(arms, function(a) y[arm == a]); y0 <- y[arm == control]
  # Welch: own df and own share of control.
  tests <- lapply(split, function(x) t.test(x, y0))
  t <- sapply(tests, function(r) unname(r$statistic)); df <- sapply(tests, function(r) unname(r$parameter))
  se <- sapply(tests, function(r) r$stderr); diff <- sapply(split, mean) - mean(y0)
  raw <- sapply(tests, function(r) r$p.value)
  b <- sqrt((var(y0) / length(y0)) / se^2)
  p <- sapply(seq_along(t), function(i) exceed(abs(t[i]), b, df[i]))
  crit <- sapply(seq_along(t), function(i) critical(b, df[i], .05))
  rounded <- round(df)
  p_int <- sapply(seq_along(t), function(i) exceed(abs(t[i]), b, rounded[i]))
  p_mvt <- sapply(seq_along(t), function(i) {
    k <- length(t)
    1 - pmvt(rep(-abs(t[i]), k), rep(abs(t[i]), k), corr = corr_of(b), df = rounded[i],
             algorithm = GenzBretz(maxpts = 4e5, abseps = 1e-8, releps = 0))[1]
  })
  bh <- p.adjust(raw, "BH"); found <- bh <= .05; m <- length(raw); R <- sum(found)
  level <- 1 - R * .05 / m
  fcr <- sapply(split, function(x) if (R > 0) t.test(x, y0, conf.level = level)$conf.int else c(NA, NA))
  fcr[, !found] <- NA
  welch <- record(paste0("families.", name, ".welch"),
    "Welch's t of each arm; Dunnett with own df; step-down; BH with FCR intervals; arms in alphabetical order",
    list(t = t, df = df, se = se, diff = diff, p = raw, control_share = b^2, p_dunnett = p,
         critical = crit, ci_lower = diff - crit * se, ci_upper = diff + crit * se,
         p_step_down = step_down(t, b, df, raw), df_rounded = rounded, p_dunnett_rounded = p_int,
         p_pmvt_rounded = p_mvt, p_bh = bh, fcr_level = level, fcr_lower = fcr[1, ], fcr_upper = fcr[2, ]),
    "exact integrals in R; p_pmvt_rounded by mvtnorm, about 1e-7")
  # One variance: multcomp.
  frame <- data.frame(y = y, arm = relevel(factor(arm), ref = control))
  fit <- glht(aov(y ~ arm, frame), linfct = mcp(arm = "Dunnett"))
  single <- summary(fit, test = adjusted("single-step", maxpts = 4e5, abseps = 1e-8))
  free <- summary(fit, test = adjusted("free", maxpts = 4e5, abseps = 1e-8))
  n0 <- length(y0); n <- sapply(split, length); share <- sqrt(n / (n + n0)); common <- single$df
  ts <- unname(single$test$tstat); rs <- 2 * pt(-abs(ts), common)
  student <- record(paste0("families.", name, ".student"),
    "pooled t of each arm; single-step and step-down Dunnett",
    list(t = ts, df = common, p = rs, control_share = share^2,
         p_dunnett = sapply(ts, function(t) exceed(abs(t), share, common)),
         p_single_step_multcomp = unname(single$test$pvalues),
         p_step_down = step_down(ts, share, rep(common, length(ts)), rs),
         p_free_multcomp = unname(free$test$pvalues)),
    "multcomp: quasi Monte-Carlo, about 1e-7")
  c(welch, student)
}
read <- function(file) read.csv(file.path(folder, file), stringsAsFactors = FALSE)
bladder <- read("bladder.csv"); sprays <- read("insect_sprays.csv")
records <- c(one("bladder", bladder$after, bladder$arm, "placebo"),
             one("insect_sprays", sprays$after, sprays$arm, "C"))
# Control's share of the variance of each arm's log ratio, and the two arms' true correlation
# from the influence of control's customers, who are in both fits.
likelihood <- function(formula, treatments, control) {
  data <- bladder[bladder$exposure > 0, ]
  pairs <- lapply(treatments, function(a) {
    two <- data[data$arm %in% c(a, control), ]
    two$t <- as.numeric(two$arm == a)
    two
  })
  of <- function(fit, two, model) {
    v <- vcov(fit); own <- two$t == 0
    psi <- (estfun(fit) %*% v)[, "t"]
    x <- model.matrix(fit) %*% v[, "t"]; mu <- fitted(fit)
    w <- if (model) mu / (1 + mu / fit$theta) else NA
    list(se = if (model) sqrt(v["t", "t"]) else sqrt(sum(psi^2)),
         share = if (model) sum((x^2 * w)[own]) / v["t", "t"] else sum(psi[own]^2) / sum(psi^2),
         robust = sqrt(sum(psi^2)), psi = psi[own][order(two$customer_id[own])])
  }
  exact <- glm.control(epsilon = 1e-14, maxit = 100)
  poisson <- lapply(pairs, function(two) of(glm(formula, poisson, two, control = exact), two, FALSE))
  negbin <- lapply(pairs, function(two) of(glm.nb(formula, two, control = exact), two, TRUE))
  field <- function(fits, name) sapply(fits, function(f) f[[name]])
  correlation <- function(fits) sum(fits[[1]]$psi * fits[[2]]$psi) / prod(field(fits, "robust"))
  list(se_poisson = field(poisson, "se"), share_poisson = field(poisson, "share"),
       correlation_poisson = correlation(poisson), se_negbin = field(negbin, "se"),
       share_negbin = field(negbin, "share"), correlation_negbin = correlation(negbin))
}
others <- c("pyridoxine", "thiotepa")
records <- c(records,
  record("families.bladder.likelihood", "after ~ arm, offset log(exposure), exposure > 0",
         likelihood(after ~ t + offset(log(exposure)), others, "placebo"),
         "sandwich estfun; shares of the HC0 variance (poisson), of the model's (negbin)"),
  record("families.bladder.likelihood_adjusted", "with log(1 + before)",
         likelihood(after ~ t + log1p(before) + offset(log(exposure)), others, "placebo"),
         "as above"))
cat("{\n \"script\": \"tests/reference/scripts/families.R\",\n \"versions\": {\"R\": \"",
    as.character(getRversion()), "\", \"mvtnorm\": \"", as.character(packageVersion("mvtnorm")),
    "\", \"multcomp\": \"", as.character(packageVersion("multcomp")),
    "\", \"MASS\": \"", as.character(packageVersion("MASS")), "\", \"sandwich\": \"",
    as.character(packageVersion("sandwich")), "\"},\n \"results\": [\n",
    paste(records, collapse = ",\n"), "\n ]\n}\n", sep = "")
