# Reference values of `bootstrap` and of resampling whole clusters.
#
# usage: Rscript bootstrap.R DATA OUT.json [ID]   (DATA holds epil.csv, nsw.csv, bladder.csv, cgd.csv;
#        with ID, a pattern, only those records)
#
# Draws come from boot::boot with strata = arm x stratum, 200,000 of them. The BCa ends are computed
# here from those draws with the multi-sample acceleration of Efron & Tibshirani (eq. 14.15, over
# samples as scipy does), since boot.ci's own BCa uses another influence estimate.
# `mcse` of each quantity is that of 10,000 draws: the standard deviation of the quantity over the 20
# blocks of 10,000 draws.
#
# Cluster values: the coefficient and its CR2 standard error are clubSandwich's, on one row a customer
# (or a unit of exposure), and the permutation p is from every assignment of whole clusters. Where
# there is a row a unit of exposure, clubSandwich takes a second an assignment, so all but the observed
# one and every 50th come from least squares on cluster totals; the script stops where the two differ.
suppressMessages({library(boot); library(clubSandwich); library(jsonlite)})

args <- commandArgs(trailingOnly = TRUE)
rd <- function(f) read.csv(file.path(args[1], f), stringsAsFactors = FALSE)
B <- 200000L
BLOCKS <- 20L
RES <- list()
wanted <- function(id) length(args) < 3 || grepl(args[3], id)
add <- function(id, definition, values) RES[[length(RES) + 1]] <<- list(id = id, definition = definition, values = values)

# The two arms' means from the sums of the groups arm x stratum: weighted by stratum, or sums over sums.
groups <- function(d) {
  k <- unique(d[order(d$s, d$t), c("t", "s")])
  of <- match(paste(d$t, d$s), paste(k$t, k$s))
  w <- tapply(d$n, d$s, sum)[k$s] / sum(d$n)
  list(of = of, t = k$t, w = as.numeric(w), matrix = outer(seq_len(nrow(k)), of, "==") * 1)
}
from_sums <- function(y, e, k, pooled) {
  m <- function(a) { a <- k$t == a; if (pooled) sum(y[a]) / sum(e[a]) else sum(k$w[a] * y[a] / e[a]) }
  c(m(1), m(0))
}
means <- function(d, i, k, pooled) {
  # boot draws within strata in place, so that a position keeps its group; a jackknife leaves one out.
  g <- if (length(i) == nrow(d)) k$matrix else k$matrix[, i, drop = FALSE]
  from_sums(drop(g %*% d$y[i]), drop(g %*% d$e[i]), k, pooled)
}

# Multi-sample jackknife over arm x stratum.
acceleration <- function(d, f) {
  g <- interaction(d$t, d$s, drop = TRUE)
  cubes <- squares <- 0
  for (k in levels(g)) {
    at <- which(g == k); n <- length(at)
    if (n == 1) next
    j <- sapply(at, function(k) f(d, setdiff(seq_len(nrow(d)), k)))
    u <- (n - 1) * (mean(j) - j)
    cubes <- cubes + sum(u^3) / n^3; squares <- squares + sum(u^2) / n^2
  }
  cubes / (6 * squares^1.5)
}

ends <- function(t, t0, a) {
  z0 <- qnorm((sum(t < t0) + sum(t <= t0)) / (2 * length(t)))
  at <- function(p) { z <- z0 + qnorm(p); pnorm(z0 + z / (1 - a * z)) }
  q <- quantile(t, c(.025, .975, at(.025), at(.975), at(.05), at(.95)), type = 6, names = FALSE)
  list(z0 = z0, perc_lo = q[1], perc_hi = q[2], bca_lo = q[3], bca_hi = q[4], bca_lo_one = q[5], bca_hi_one = q[6])
}

run <- function(id, definition, d, pooled, seed) {
  if (!wanted(id)) return(invisible())
  set.seed(seed)
  k <- groups(d)
  drawn <- do.call(rbind, lapply(seq_len(BLOCKS), function(block)
    boot(d, function(d, i) means(d, i, k, pooled), R = B / BLOCKS, strata = k$of)$t))
  for (what in c("difference", "ratio")) {
    of <- function(m) if (what == "difference") m[1] - m[2] else m[1] / m[2]
    f <- function(d, i) of(means(d, i, k, pooled))
    m0 <- means(d, seq_len(nrow(d)), k, pooled)
    t0 <- of(m0)
    t <- if (what == "difference") drawn[, 1] - drawn[, 2] else drawn[, 1] / drawn[, 2]
    # Equal but for rounding.
    t[abs(t - t0) < 1e-12 * max(abs(m0))] <- t0
    a <- acceleration(d, f)
    se <- function(t) if (what == "difference") sd(t) else sd(log(t))
    stats <- function(t) c(list(se = se(t)), ends(t, t0, a))
    blocks <- sapply(split(t, rep(seq_len(BLOCKS), each = B / BLOCKS)), function(t) unlist(stats(t)))
    add(paste0(id, ".", what), definition,
        c(list(value = t0, acceleration = a, draws = B), stats(t),
          list(mcse = as.list(apply(blocks, 1, sd)))))
    message(id, " ", what)
  }
}

frame <- function(y, t, e = 1, s = "all", n = 1) data.frame(y = y, t = t, e = e, s = as.character(s), n = n)

epil <- rd("epil.csv"); et <- as.integer(epil$arm == "treatment")
run("bootstrap.epil", "epil.csv, y = after", frame(epil$after, et), FALSE, 1)
run("bootstrap.epil_age30", "epil.csv, y = after, strata age < 30 or not, means weighted by stratum",
    frame(epil$after, et, s = epil$age < 30), FALSE, 2)
nsw <- rd("nsw.csv"); nt <- as.integer(nsw$arm == "treatment")
run("bootstrap.nsw", "nsw.csv, y = after", frame(nsw$after, nt), FALSE, 3)
run("bootstrap.nsw_nodegree", "nsw.csv, y = after, strata nodegree, means weighted by stratum",
    frame(nsw$after, nt, s = nsw$nodegree), FALSE, 4)
b <- rd("bladder.csv"); b <- b[b$arm %in% c("placebo", "thiotepa"), ]; bt <- as.integer(b$arm == "thiotepa")
run("bootstrap.bladder_rate", "bladder.csv, thiotepa against placebo, sum of after over sum of exposure",
    frame(b$after, bt, b$exposure), TRUE, 5)
cgd <- rd("cgd.csv"); ct <- as.integer(cgd$arm == "treatment")
run("bootstrap.cgd_rate", "cgd.csv, sum of after over sum of exposure, drawn within hos_cat",
    frame(cgd$after, ct, cgd$exposure, cgd$hos_cat), TRUE, 6)

# Whole clusters: totals of one row each.
totals <- function(y, t, e, s, g) {
  d <- aggregate(cbind(y, e, n = 1) ~ t + s + g, data = data.frame(y = y, t = t, e = e, s = s, g = g), FUN = sum)
  d[order(d$s, d$t, d$g), ]
}
as_rows <- function(d) list(treated = d$t, stratum = as.integer(factor(d$s)) - 1L, customers = d$n, exposure = d$e, y = d$y)

nc <- totals(nsw$after, nt, rep(1, nrow(nsw)), rep("all", nrow(nsw)), nsw$educ)
run_clusters <- function(id, definition, d, by_exposure, seed) {
  run(id, definition, frame(d$y, d$t, if (by_exposure) d$e else d$n, d$s, d$n), by_exposure, seed)
  if (wanted(id)) for (k in 0:1) RES[[length(RES) - k]]$values$rows <<- as_rows(d)
}
run_clusters("bootstrap.clusters_nsw", "nsw.csv, clusters are arm x educ, y = after", nc, FALSE, 7)
bc <- totals(b$after, bt, b$exposure, rep("all", nrow(b)), (seq_len(nrow(b)) - 1) %% 12)
run_clusters("bootstrap.clusters_bladder_rate",
  "bladder.csv, thiotepa against placebo in the file's order, clusters are arm x (row mod 12), rates", bc, TRUE, 8)
cs <- totals(cgd$after, ct, rep(1, nrow(cgd)), as.integer(cgd$hos_cat > 1), (seq_len(nrow(cgd)) - 1) %% 9)
run_clusters("bootstrap.clusters_cgd_strata",
  "cgd.csv, strata hos_cat > 1, clusters are stratum x arm x (row mod 9), means weighted by stratum", cs, FALSE, 9)

# b, its CR2 standard error and the p of all assignments of whole clusters.
cr2 <- function(d, treated, by_exposure) {
  size <- if (by_exposure) d$e else d$n
  at <- rep(seq_len(nrow(d)), size)
  one <- data.frame(y = (d$y / size)[at], t = treated[at], s = factor(d$s[at]), g = at)
  m <- if (nlevels(one$s) > 1) lm(y ~ t + s, one) else lm(y ~ t, one)
  k <- which(names(coef(m)) == "t")
  c(coef(m)[k], sqrt(vcovCR(m, cluster = one$g, type = "CR2")[k, k]))
}
# The same from cluster totals, without strata: each arm's mean, residual sums over 1 - size/total.
by_totals <- function(d, treated, by_exposure) {
  size <- if (by_exposure) d$e else d$n
  arm <- function(a) {
    y <- d$y[treated == a]; n <- size[treated == a]; m <- sum(y) / sum(n)
    c(m, sum((y - n * m)^2 / (1 - n / sum(n))) / sum(n)^2)
  }
  a <- arm(1); b <- arm(0)
  c(a[1] - b[1], sqrt(a[2] + b[2]))
}
all_assignments <- function(d) {
  per <- lapply(split(seq_len(nrow(d)), d$s), function(at)
    combn(length(at), sum(d$t[at]), function(chosen) replace(rep(0, length(at)), chosen, 1), simplify = FALSE))
  grid <- expand.grid(lapply(per, seq_along))
  order_of <- order(unlist(split(seq_len(nrow(d)), d$s)))
  lapply(seq_len(nrow(grid)), function(i) unlist(mapply(function(p, k) p[[k]], per, grid[i, ], SIMPLIFY = FALSE))[order_of])
}
permute <- function(id, definition, d, by_exposure) {
  if (!wanted(id)) return(invisible())
  seen <- cr2(d, d$t, by_exposure)
  all <- all_assignments(d)
  found <- if (!by_exposure) sapply(all, function(t) cr2(d, t, FALSE)) else {
    for (t in all[seq(1, length(all), 50)]) stopifnot(all.equal(unname(cr2(d, t, TRUE)), by_totals(d, t, TRUE), tolerance = 1e-9))
    sapply(all, function(t) by_totals(d, t, TRUE))
  }
  stat <- ifelse(found[2, ] > 1e-12, found[1, ] / found[2, ], 0); s0 <- seen[1] / seen[2]
  near <- 1e-9
  add(id, definition, list(
    rows = as_rows(d), value = unname(seen[1]), se = unname(seen[2]), assignments = ncol(found),
    p_two_sided = mean(abs(stat) >= abs(s0) - near), p_less = mean(stat <= s0 + near),
    p_greater = mean(stat >= s0 - near), p_raw = mean(abs(found[1, ]) >= abs(seen[1]) - near)))
  message(id)
}
permute("permutation.clusters_bladder", "bladder.csv, thiotepa against placebo, clusters are arm x (row mod 5); every assignment by clubSandwich CR2",
        totals(b$after, bt, b$exposure, rep("all", nrow(b)), (seq_len(nrow(b)) - 1) %% 5), FALSE)
permute("permutation.clusters_bladder_rate", "the same, per unit of exposure: one row a month of exposure",
        { z <- b[b$exposure > 0, ]; totals(z$after, as.integer(z$arm == "thiotepa"), z$exposure, rep("all", nrow(z)), (seq_len(nrow(z)) - 1) %% 5) }, TRUE)
permute("permutation.clusters_cgd_strata", "cgd.csv, strata hos_cat > 1, clusters are stratum x arm x (row mod 3); OLS y ~ arm + stratum",
        totals(cgd$after, ct, rep(1, nrow(cgd)), as.integer(cgd$hos_cat > 1), (seq_len(nrow(cgd)) - 1) %% 3), FALSE)

v <- function(p) as.character(packageVersion(p))
out <- list(script = "tests/reference/scripts/bootstrap.R",
            versions = list(R = R.version.string, boot = v("boot"), clubSandwich = v("clubSandwich")),
            note = "mcse: of 10,000 draws, from the 20 blocks of the 200,000",
            results = RES)
write(toJSON(out, digits = I(17), auto_unbox = TRUE, pretty = TRUE), args[2])
