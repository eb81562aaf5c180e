# Reference values for instruments, priors, profile likelihoods, bounds, zeros, new customers and
# crossed arms. Independent of pilot. Run from the repository's root:
#     Rscript tests/reference/scripts/estimators.R > tests/reference/estimators.json
suppressMessages({library(MASS); library(sandwich); library(estimatr); library(AER); library(jsonlite)})
RES <- list(); Z <- qnorm(.975)
add <- function(id, ...) { v <- list(...); v <- lapply(v, function(x) if (is.character(x)) unbox(x) else { x <- as.numeric(x); if (length(x) == 1) unbox(x) else x }); RES[[length(RES) + 1]] <<- list(id = unbox(id), values = v) }
expand <- function(d) { d <- d[rep(seq_len(nrow(d)), d$customers), ]; d$customers <- NULL; d }
data <- function(f) read.csv(file.path("tests/data", f), stringsAsFactors = FALSE)
arms <- function(d, control, treatment) { d <- d[d$arm %in% c(control, treatment), ]; d$t <- as.numeric(d$arm == treatment); d }
ohie <- arms(expand(data("ohie_visits.csv")), "control", "treatment"); names(ohie)[names(ohie) == "complied"] <- "uptake"
drugs <- arms(expand(data("ohie_drugs.csv")), "control", "treatment")
crossed <- data("crossed.csv"); tips <- arms(crossed, "control", "tips"); seen <- tips[!is.na(tips$after), ]
epil <- arms(data("epil.csv"), "control", "treatment"); bladder <- arms(data("bladder.csv"), "placebo", "thiotepa")
cgd <- arms(data("cgd.csv"), "control", "treatment"); nsw <- arms(data("nsw.csv"), "control", "treatment"); btheb <- arms(data("btheb.csv"), "control", "treatment")

## Two-stage least squares, HC2 (estimatr); ratio of the compliers' means by hand.
cace <- function(id, d, strata) {
  f <- if (strata) after ~ uptake + factor(stratum) | t + factor(stratum) else after ~ uptake | t
  m <- iv_robust(f, d, se_type = "HC2"); k <- "uptake"
  W <- if (strata) model.matrix(~ factor(stratum), d) else matrix(1, nrow(d), 1); X <- cbind(d$t, W)
  one <- function(y) { q <- lm_robust(if (strata) y ~ t + factor(stratum) else y ~ t, data.frame(y = y, t = d$t, stratum = d$stratum), se_type = "HC2"); c(coef(q)["t"], q$std.error["t"], q$p.value["t"]) }
  fs <- one(d$uptake); itt <- one(d$after); A <- one(d$after * d$uptake)[1]; B <- one(d$after * (1 - d$uptake))[1]
  H <- X %*% solve(crossprod(X)); h <- rowSums(H * X); w <- H[, 1]; r <- function(y) residuals(lm.fit(X, y)); ea <- r(d$after * d$uptake); eb <- r(d$after * (1 - d$uptake))
  v <- function(a, b) sum(w^2 * a * b / (1 - h)); se <- sqrt(v(ea, ea) / A^2 + v(eb, eb) / B^2 - 2 * v(ea, eb) / (A * B)); l <- log(-A / B); q <- qt(.975, m$df[k])
  a <- ivreg(f, data = d)   # a second program for the value
  stopifnot(abs(coef(a)[k] / coef(m)[k] - 1) < 1e-9)
  add(id, late = coef(m)[k], se = m$std.error[k], df = m$df[k], p = m$p.value[k], ci_lo = m$conf.low[k], ci_hi = m$conf.high[k], first_stage = fs[1], first_stage_f = (fs[1] / fs[2])^2, itt = itt[1], itt_se = itt[2], p_itt = itt[3],
      mean_treatment = A / fs[1], mean_control = -B / fs[1], ratio = exp(l), log_se = se, ratio_lo = exp(l - q * se), ratio_hi = exp(l + q * se), ratio_p = 2 * pt(-abs(l / se), m$df[k]))
}
cace("ohie.cace", ohie, FALSE); cace("ohie.cace_strata", ohie, TRUE)
cace("crossed.cace", seen, FALSE); cace("crossed.cace_strata", seen, TRUE)
one <- seen; one$uptake[one$t == 0] <- 0; cace("crossed.cace_one_sided", one, TRUE)

## Normal posterior of the log ratio; expectations by numerical integration.
bayes <- function(id, d, m, s) { y1 <- d$after[d$t == 1]; y0 <- d$after[d$t == 0]; l <- log(mean(y1) / mean(y0)); v <- var(y1) / length(y1) / mean(y1)^2 + var(y0) / length(y0) / mean(y0)^2
  pr <- 1 / v + 1 / s^2; mu <- (l / v + m / s^2) / pr; sd <- 1 / sqrt(pr); I <- function(f, a, b) integrate(f, a, b, rel.tol = 1e-12, subdivisions = 2000)$value; d1 <- function(x) dnorm(x, mu, sd)
  add(id, median = exp(mu), se = sd, lo = exp(qnorm(.025, mu, sd)), hi = exp(qnorm(.975, mu, sd)), p_reduction = I(d1, mu - 12 * sd, 0), mean = I(function(x) exp(x) * d1(x), mu - 12 * sd, mu + 12 * sd),
      loss = I(function(x) (exp(x) - 1) * d1(x), 0, max(mu, 0) + 12 * sd), loss_stopping = I(function(x) (1 - exp(x)) * d1(x), min(mu, 0) - 12 * sd, 0), prior_weight = 1 / s^2 / pr) }
bayes("epil.bayes", epil, 0, .2); bayes("nsw.bayes", nsw, -.1, .5); bayes("bladder.bayes", bladder, 0, 1); bayes("cgd.bayes", cgd, 0, .3)

## Profile likelihood of the rate ratio: theta free, and held.
profile_nb <- function(id, d, rhs, mass = TRUE, limit = FALSE) {
  X <- model.matrix(as.formula(paste("~", rhs)), d); k <- which(colnames(X) == "t"); y <- d$after; off <- if (is.null(d$lo)) rep(0, nrow(d)) else d$lo
  nb <- function(X, off, th, b) { ll <- function(b) { v <- sum(dnbinom(y, size = th, mu = exp(drop(X %*% b) + off), log = TRUE)); if (is.finite(v)) v else -Inf }
    now <- ll(b); for (i in 1:200) { mu <- exp(drop(X %*% b) + off); g <- crossprod(X, th * (y - mu) / (th + mu)); s <- drop(solve(crossprod(X * (th * mu * (th + y) / (th + mu)^2), X), g)); f <- 1; while (ll(b + f * s) < now - 1e-9 && f > 1e-6) f <- f / 2; b <- b + f * s; now <- ll(b); if (max(abs(f * s)) < 1e-13) break }; list(b = b, ll = now) }
  po <- function(X, off) { m <- glm.fit(X, y, offset = off, family = poisson(), control = list(epsilon = 1e-15, maxit = 200)); list(b = m$coefficients, ll = sum(dpois(y, m$fitted.values, log = TRUE)), mu = m$fitted.values) }
  free <- function(X, off, b) { p <- po(X, off); if (sum((y - p$mu)^2 - y) <= 0) return(p)   # theta at infinity
    o <- optimize(function(l) nb(X, off, exp(l), p$b)$ll, c(-8, 14), maximum = TRUE, tol = 1e-12)   # to 1e-8 in log theta, 1e-15 in the likelihood
    nb(X, off, exp(o$maximum), p$b) |> c(list(th = exp(o$maximum))) }
  full <- free(X, off, NULL); bb <- full$b[k]
  held <- function(f) { drop <- function(b) 2 * (full$ll - f(b)$ll) - Z^2; c(uniroot(drop, c(bb - 6, bb), tol = 1e-13)$root, uniroot(drop, c(bb, bb + 6), tol = 1e-13)$root) }
  th <- full$th; X0 <- X[, -k, drop = FALSE]
  a <- held(function(b) free(X0, off + b * X[, k], NULL))
  f <- held(function(b) if (is.null(th)) po(X0, off + b * X[, k]) else nb(X0, off + b * X[, k], th, full$b[-k]))
  v <- list(lo = exp(a[1]), hi = exp(a[2]), fixed_lo = exp(f[1]), fixed_hi = exp(f[2]), log_rr = bb, loglik = full$ll)
  if (mass) { d$lo <- off; m <- glm.nb(as.formula(paste("after ~", rhs, "+ offset(lo)")), d, control = glm.control(epsilon = 1e-12, maxit = 200)); ci <- suppressMessages(confint(m, "t")); v$mass_lo <- exp(ci[1]); v$mass_hi <- exp(ci[2]) }
  if (limit) { m <- glm(as.formula(paste("after ~", rhs)), poisson, d); ci <- suppressMessages(confint(m, "t")); v$glm_lo <- exp(ci[1]); v$glm_hi <- exp(ci[2]) }
  do.call(add, c(list(id), v)) }
for (n in c("epil", "bladder", "cgd")) { d <- get(n); d <- d[d$exposure > 0, ]; d$lo <- log(d$exposure); profile_nb(paste0(n, ".profile_unadj"), d, "t"); if (n != "cgd") { d$l1 <- log1p(d$before); profile_nb(paste0(n, ".profile_log1p_before"), d, "t + l1") } }
profile_nb("ohie.profile_unadj", ohie, "t")
# Less spread than Poisson: the limit.
even <- data.frame(t = rep(0:1, c(60, 50)), after = c(rep(0:3, c(6, 24, 24, 6)), rep(0:3, c(10, 25, 13, 2)))); profile_nb("even.profile", even, "t", mass = FALSE, limit = TRUE)

## Adjusted means with new customers beside old ones: an indicator, interacted with the arm.
new <- seen; new$m <- as.numeric(is.na(new$before)); new$x <- ifelse(is.na(new$before), 0, new$before)
lin <- function(id, d, covariates) { m <- lm_lin(after ~ t, covariates = covariates, data = d, se_type = "HC2")
  V <- model.matrix(covariates, d)[, -1, drop = FALSE]; C <- scale(V, scale = FALSE); l <- lm(d$after ~ d$t * C); b <- coef(l); S <- vcovHC(l, type = "HC2"); m0 <- b[1]; m1 <- b[1] + b[2]
  g <- numeric(length(b)); g[1] <- 1 / m1 - 1 / m0; g[2] <- 1 / m1; se <- sqrt(drop(t(g) %*% S %*% g)); df <- l$df.residual; r <- log(m1 / m0); q <- qt(.975, df)
  add(id, diff = coef(m)["t"], se = m$std.error["t"], df = m$df["t"], p = m$p.value["t"], ci_lo = m$conf.low["t"], ci_hi = m$conf.high["t"], mean0 = m0, mean1 = m1, ratio = exp(r), log_se = se, ratio_lo = exp(r - q * se), ratio_hi = exp(r + q * se), ratio_p = 2 * pt(-abs(r / se), df)) }
lin("epil.lin", epil, ~ before); lin("nsw.lin", nsw, ~ before); lin("bladder.lin", bladder, ~ before)
lin("crossed.lin_new", new, ~ x + m); lin("crossed.lin_new_strata", new, ~ x + m + factor(stratum))
ols <- function(id, m) add(id, diff = coef(m)["t"], se = m$std.error["t"], df = m$df["t"], p = m$p.value["t"], ci_lo = m$conf.low["t"], ci_hi = m$conf.high["t"])
ols("crossed.ancova_new_strata", lm_robust(after ~ t + x + m + factor(stratum), new, se_type = "HC2")); ols("crossed.ancova_new", lm_robust(after ~ t + x + m, new, se_type = "HC2"))
tt <- function(id, y, t) { r <- t.test(y[t == 1], y[t == 0]); add(id, diff = -diff(r$estimate), se = r$stderr, t = r$statistic, df = r$parameter, p = r$p.value, ci_lo = r$conf.int[1], ci_hi = r$conf.int[2]) }
old <- new[new$m == 0, ]; th <- cov(old$after, old$before) / var(old$before); tt("crossed.cuped_new", new$after - th * (ifelse(new$m == 1, mean(old$before), new$x) - mean(old$before)), new$t)
# Windows of different length before and after, customer by customer; and one factor for all.
tt("crossed.did_exposure", old$after - old$before * old$exposure / old$before_exposure, old$t); tt("crossed.did_half_window", old$after - old$before * 2, old$t); tt("crossed.did_plain", old$after - old$before, old$t)
models <- function(id, d, f) { m <- glm(f, poisson, d, control = glm.control(epsilon = 1e-15, maxit = 100)); n <- glm.nb(f, d, control = glm.control(epsilon = 1e-14, maxit = 500)); X <- model.matrix(m); mu <- fitted(m); P <- solve(crossprod(X * mu, X)); R <- P %*% crossprod(X * (m$y - mu)) %*% P; mu <- fitted(n); E <- solve(crossprod(X * (mu / (1 + mu / n$theta)), X)); add(id, poisson = coef(m)["t"], poisson_hc0 = sqrt(R["t", "t"]), negbin = coef(n)["t"], negbin_se = sqrt(E["t", "t"]), theta = n$theta) }
new$l <- ifelse(new$m == 1, 0, log1p(new$x)); models("crossed.models_new_strata", new, after ~ t + l + m + factor(stratum) + offset(log(exposure)))

## Lee's bounds with fractional trimming, their standard errors, and Imbens and Manski's interval.
lee <- function(id, y, t) { o <- !is.na(y); n1 <- sum(t == 1); n0 <- sum(t == 0); s1 <- mean(o[t == 1]); s0 <- mean(o[t == 0]); hi <- as.numeric(s1 >= s0); q <- 1 - min(s1, s0) / max(s1, s0); z <- y[o & t == hi]; w <- y[o & t == 1 - hi]; n <- length(z)
  side <- function(v) { v <- sort(v); keep <- n * (1 - q); k <- pmin(1, pmax(0, keep - (seq_along(v) - 1))); mu <- sum(v * k) / keep; cut <- max(v[k > 1e-12]); p <- q
    within <- sum(k * (v - mu)^2) / keep   # Lee (2009), Prop. 3: variance within, the cut, the share
    vw <- (within + (cut - mu)^2 * p) / (n * (1 - p)) * n / (n - 1); vp <- (1 - p)^2 * ((1 - s1) / (n1 * s1) + (1 - s0) / (n0 * s0)); c(mu, vw + ((cut - mu) / (1 - p))^2 * vp + var(w) / length(w)) }
  lo <- side(z); up <- side(-z); up[1] <- -up[1]; g <- if (hi == 1) 1 else -1; b <- g * (c(lo[1], up[1]) - mean(w)); se <- sqrt(c(lo[2], up[2])); if (g < 0) { b <- rev(b); se <- rev(se) }
  c_ <- uniroot(function(c) pnorm(c + (b[2] - b[1]) / max(se)) - pnorm(-c) - .95, c(1, 3), tol = 1e-13)$root
  add(id, lower = b[1], upper = b[2], se_lower = se[1], se_upper = se[2], ci_lo = b[1] - c_ * se[1], ci_hi = b[2] + c_ * se[2], trim_share = q, treatment_trimmed = hi, fisher_p = fisher.test(table(t, o))$p.value) }
for (m in c("2m", "3m", "5m", "8m")) lee(paste0("btheb.lee_", m), btheb[[paste0("after_", m)]], btheb$t)
lee("ohie.lee_rx", drugs$after_rx, drugs$t); lee("crossed.lee", tips$after, tips$t)

## Zeros against the negative binomial (score form; expected information of theta by trigamma).
zeros <- function(id, d) { d <- d[d$exposure > 0 & !is.na(d$after), ]; y <- d$after; f <- after ~ t + offset(log(exposure)); p <- glm(f, poisson, d, control = glm.control(epsilon = 1e-15, maxit = 100)); X <- model.matrix(p); poi <- sum((y - fitted(p))^2 - y) <= 0
  if (poi) { mu <- fitted(p); pz <- exp(-mu); I <- crossprod(X * mu, X); D <- colSums(X * (-mu * pz)); v <- sum(pz * (1 - pz)) - drop(t(D) %*% solve(I, D)) }
  else { n <- glm.nb(f, d, control = glm.control(epsilon = 1e-14, maxit = 500)); b <- coef(n); th <- n$theta; off <- log(d$exposure)
    for (i in 1:50) { mu <- exp(drop(X %*% b) + off); g <- c(crossprod(X, th * (y - mu) / (th + mu)), sum(digamma(y + th) - digamma(th) + log(th) + 1 - log(th + mu) - (y + th) / (th + mu))); k <- length(b); H <- matrix(0, k + 1, k + 1); H[1:k, 1:k] <- -crossprod(X * (th * mu * (th + y) / (th + mu)^2), X); H[1:k, k + 1] <- H[k + 1, 1:k] <- colSums(X * ((y - mu) * mu / (th + mu)^2)); H[k + 1, k + 1] <- sum(trigamma(y + th) - trigamma(th) + 1 / th - 1 / (th + mu) - (mu - y) / (th + mu)^2); s <- solve(H, g); b <- b - s[1:k]; th <- th - s[k + 1] }
    mu <- exp(drop(X %*% b) + off); pz <- (th / (th + mu))^th; I <- crossprod(X * (mu / (1 + mu / th)), X); D <- colSums(X * (-mu / (1 + mu / th) * pz)); Dt <- sum(pz * (log(th / (th + mu)) + mu / (th + mu))); It <- sum(sapply(split(mu, mu), function(g) { k <- 0:qnbinom(1e-17, size = th, mu = g[1], lower.tail = FALSE); length(g) * (trigamma(th) - sum(dnbinom(k, size = th, mu = g[1]) * trigamma(k + th)) - 1 / th + 1 / (th + g[1])) })); v <- sum(pz * (1 - pz)) - drop(t(D) %*% solve(I, D)) - Dt^2 / It }
  z <- (sum(y == 0) - sum(pz)) / sqrt(v); add(id, observed = sum(y == 0), expected = sum(pz), z = z, p = 2 * pnorm(-abs(z))) }
zeros("epil.zeros", epil); zeros("bladder.zeros", bladder); zeros("cgd.zeros", cgd); zeros("crossed.zeros", seen); ohie$exposure <- 1; zeros("ohie.zeros", ohie); even$exposure <- 1; zeros("even.zeros", even)

## Arms that cross two interventions: lm with interaction, HC2; and the ratio scale by hand.
four <- crossed[!is.na(crossed$after), ]; four$a <- as.numeric(four$arm %in% c("tips", "both")); four$b <- as.numeric(four$arm %in% c("video", "both"))
four$ac <- four$a - .5; four$bc <- four$b - .5; m <- lm_robust(after ~ ac * bc, four, se_type = "HC2"); s <- lm_robust(after ~ a * b, four, se_type = "HC2"); stopifnot(abs(coef(s)["a:b"] / coef(m)["ac:bc"] - 1) < 1e-10)
for (k in c("ac", "bc", "ac:bc")) add(paste0("crossed.factorial_", k), value = coef(m)[k], se = m$std.error[k], df = m$df[k], p = m$p.value[k], ci_lo = m$conf.low[k], ci_hi = m$conf.high[k])
cell <- sapply(c("control", "tips", "video", "both"), function(k) { y <- four$after[four$arm == k]; c(log(mean(y)), var(y) / length(y) / mean(y)^2) })
for (k in list(c("ac", -.5, .5, -.5, .5), c("bc", -.5, -.5, .5, .5), c("ac:bc", 1, -1, -1, 1))) { w <- as.numeric(k[-1]); v <- sum(w * cell[1, ]); se <- sqrt(sum(w^2 * cell[2, ])); add(paste0("crossed.factorial_ratio_", k[1]), value = exp(v), se = se, p = 2 * pnorm(-abs(v / se)), ci_lo = exp(v - Z * se), ci_hi = exp(v + Z * se)) }

## Claims and margins.
claims <- function(id, d) { y1 <- d$after[d$t == 1]; y0 <- d$after[d$t == 0]; l <- log(mean(y1) / mean(y0)); s <- sqrt(var(y1) / length(y1) / mean(y1)^2 + var(y0) / length(y0) / mean(y0)^2); add(id, reduction = 1 - exp(l), lo = 1 - exp(l + Z * s), hi = 1 - exp(l - Z * s), p_below = pnorm((l - log(.75)) / s, lower.tail = FALSE), p_above = pnorm((l - log(.70)) / s)) }
claims("epil.claims", epil); claims("crossed.claims", seen)
margin <- function(id, y, t, m) { r <- t.test(y[t == 1], y[t == 0], mu = m, alternative = "less"); add(id, p = r$p.value) }
margin("epil.margin_10", epil$after, epil$t, 10); margin("nsw.margin_minus_500", -nsw$after, nsw$t, 500)
wilson <- function(x, n, a) { z <- qnorm(1 - a); p <- x / n; (p + z^2 / (2 * n) + c(-1, 1) * z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2))) / (1 + z^2 / n) }
newcombe <- function(x, n, y, m, a) { p <- x / n; q <- y / m; w <- wilson(x, n, a); v <- wilson(y, m, a); c(p - q - sqrt((p - w[1])^2 + (v[2] - q)^2), p - q + sqrt((w[2] - p)^2 + (q - v[1])^2)) }
for (k in list(c(30, 400, 28, 410, .05), c(5, 90, 9, 110, .05), c(60, 400, 28, 410, .02), c(56, 70, 48, 80, .1))) add(paste0("margin.", paste(k, collapse = "_")), p = if (k[1] / k[2] - k[3] / k[4] > k[5]) 1 - uniroot(function(a) newcombe(k[1], k[2], k[3], k[4], a)[1] - k[5], c(1e-12, .5), tol = 1e-15)$root else uniroot(function(a) newcombe(k[1], k[2], k[3], k[4], a)[2] - k[5], c(1e-12, .5), tol = 1e-15)$root)

## The time before as a placebo.
tt("epil.before", epil$before, epil$t); tt("bladder.before", bladder$before, bladder$t); tt("nsw.before", nsw$before, nsw$t)

v <- function(p) unbox(as.character(packageVersion(p)))
cat(toJSON(list(script = unbox("scripts/estimators.R"), versions = list(R = unbox(as.character(getRversion())), MASS = v("MASS"), sandwich = v("sandwich"), estimatr = v("estimatr"), AER = v("AER")), results = RES), digits = I(17), pretty = TRUE, na = "null"), "\n")
