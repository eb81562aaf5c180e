# Trend and exponential decay of weekly effects a second time, from d and v of weekly.json:
#     Rscript weekly.R        prints the largest relative difference to weekly.py's values
# Decay: nls on data whitened by the Cholesky factor of v; standard errors from the unscaled
# covariance (v is known). Trend: lm on whitened data, unscaled likewise.
library(jsonlite)
ref <- fromJSON("../weekly.json", simplifyVector = TRUE)
worst <- c(trend = 0, decay = 0)
for (set in c("epil", "fees")) for (arm in names(ref[[set]]$effects)) {
  e <- ref[[set]]$effects[[arm]]; d <- e$d; v <- e$v; w <- seq_along(d) - 1; f <- e$fit
  li <- solve(t(chol(v))); z <- as.vector(li %*% d)
  m1 <- summary(lm(z ~ 0 + li %*% rep(1, length(d))))
  m2 <- summary(lm(z ~ 0 + li %*% cbind(1, w)))
  trend <- c(constant = m1$coef[1, 1], constant_se = sqrt(m1$cov.unscaled[1, 1]),
             trend = m2$coef[2, 1], trend_se = sqrt(m2$cov.unscaled[2, 2]))
  rel <- function(x, y) max(abs(x / unlist(y) - 1))
  worst["trend"] <- max(worst["trend"], rel(trend, f[names(trend)]))
  attempt <- function(tol, central) tryCatch(
    nls(z ~ as.vector(li %*% (a * exp(-b * w))), start = list(a = f$start * 1.001, b = f$rate * 1.001),
        control = nls.control(tol = tol, maxiter = 500, minFactor = 1e-12, nDcentral = central)),
    error = function(e) conditionMessage(e))
  fit <- attempt(1e-8, TRUE)
  if (is.character(fit)) fit <- attempt(1e-10, FALSE)
  if (is.character(fit)) { cat(set, arm, "nls:", fit, "\n"); next }
  u <- summary(fit)$cov.unscaled
  decay <- c(start = coef(fit)[["a"]], rate = coef(fit)[["b"]], start_se = sqrt(u[1, 1]), rate_se = sqrt(u[2, 2]))
  r <- rel(decay, f[names(decay)]); worst["decay"] <- max(worst["decay"], r)
  cat(set, arm, format(decay, digits = 9), "relative", format(r), "\n")
}
print(worst); cat(R.version.string, "\n")
