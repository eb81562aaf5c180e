# Cochran's Q, DerSimonian-Laird tau^2, shrunken effects and BH, by hand in base R: writes ../segments.json.
#     Rscript segments.R
# 1. nsw.csv: earnings after, by schooling (nodegree), marriage and race: Welch differences.
# 2. hillstrom_cells.csv: visits of women's e-mail against no e-mail by history segment 1..7,
#    log ratio of shares by the delta method (variance s2/(n m^2) of each arm).
library(jsonlite)
pooled <- function(x, s, p) {
  v <- s^2; w <- 1 / v; k <- length(x); m <- sum(w * x) / sum(w)
  q <- sum(w * (x - m)^2); t2 <- max(0, (q - (k - 1)) / (sum(w) - sum(w^2) / sum(w)))
  ws <- 1 / (v + t2); mu <- sum(ws * x) / sum(ws); l <- t2 / (v + t2)
  list(value = x, se = s, q = q, df = k - 1, p_value = pchisq(q, k - 1, lower.tail = FALSE),
       tau_squared = t2, mean = mu, mean_se = sqrt(1 / sum(ws)),
       shrunk = l * x + (1 - l) * mu, shrunk_se = sqrt(l * v + (1 - l)^2 / sum(ws)),
       p = p, p_adjusted = p.adjust(p, "BH"))
}
nsw <- read.csv("../../data/nsw.csv")
nsw$group <- paste0("nodegree", nsw$nodegree, "marr", nsw$marr, "black", nsw$black)
welch <- lapply(split(nsw, nsw$group), function(d) {
  a <- d$after[d$arm == "treatment"]; b <- d$after[d$arm == "control"]
  if (min(length(a), length(b)) < 5) return(NULL)
  t <- t.test(a, b); c(mean(a) - mean(b), t$stderr, t$p.value) })
welch <- do.call(rbind, welch)
h <- read.csv("../../data/hillstrom_cells.csv")
logs <- lapply(split(h, h$stratum), function(d) {
  arm <- function(a) { e <- d[d$arm == a, ]; n <- sum(e$customers); m <- sum(e$visit * e$customers) / n
    v <- sum((e$visit - m)^2 * e$customers) / (n - 1); c(m, v / (n * m^2)) }
  k <- arm("womens_email"); c0 <- arm("no_email"); x <- log(k[1] / c0[1]); s <- sqrt(k[2] + c0[2])
  c(x, s, 2 * pnorm(-abs(x / s))) })
logs <- do.call(rbind, logs)
out <- list(script = "tests/reference/scripts/segments.R", version = R.version.string,
  nsw = c(list(groups = rownames(welch)), pooled(welch[, 1], welch[, 2], welch[, 3])),
  hillstrom = c(list(groups = rownames(logs)), pooled(logs[, 1], logs[, 2], logs[, 3])))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "../segments.json")
