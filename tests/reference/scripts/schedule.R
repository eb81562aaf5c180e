# CR2 with regions' and blocks' effects for schedules: clubSandwich, on invented panels
# (schedule_panels.py) and on the orchard sprays (an 8 x 8 Latin square: rows are regions, columns
# blocks, treatments A to D the treatment). Writes tests/reference/schedule.json.
suppressMessages({library(clubSandwich); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(sub("--file=", "", args[grep("--file=", args)]))
read <- function(name) read.csv(file.path(here, "..", "..", "data", name))

one <- function(id, d, lag = FALSE, expand = FALSE) {
  d$rate <- d$y / d$exposure
  several <- length(unique(d$region)) > 1
  f <- "rate ~ treated"
  if (lag) f <- "rate ~ lag + treated"
  if (several) f <- paste(f, "+ factor(region) + factor(block)")
  # Weighted columns in a plain fit: CR2 as if every customer-day were a row of its own (the
  # record "expanded" shows that it is). With weights = in lm, clubSandwich takes another root of
  # the same matrix, which differs in the third digit.
  d <- if (expand) d[rep(seq_len(nrow(d)), d$exposure), ] else d
  X0 <- model.matrix(as.formula(f), data = d)
  root <- if (expand) rep(1, nrow(d)) else sqrt(d$exposure)
  X <- X0 * root; colnames(X)[colnames(X) == "(Intercept)"] <- "constant"
  fit <- lm(I(rate * root) ~ 0 + X, data = d)
  cluster <- if (several) d$region else d$block
  v <- vcovCR(fit, cluster = cluster, type = "CR2")
  what <- if (lag) "Xlag" else "Xtreated"
  t <- coef_test(fit, vcov = v, test = "Satterthwaite", coefs = what)
  b <- coef(fit)[[what]]
  ci <- b + c(-1, 1) * qt(.975, t$df) * t$SE
  out <- list(id = id, value = b, se = t$SE, df = t$df, p = t$p_Satt, lower = ci[1], upper = ci[2])
  if (!lag) {
    # The adjusted rates are at the mean of everything else: gradient by the fit's own columns.
    w <- root^2 / sum(root^2)
    X1 <- X0; X1[, "treated"] <- 1; X0[, "treated"] <- 0
    g1 <- colSums(w * X1); g0 <- colSums(w * X0)
    m1 <- sum(g1 * coef(fit)); m0 <- sum(g0 * coef(fit))
    g <- g1 / m1 - g0 / m0
    out$rate_treatment <- m1; out$rate_control <- m0
    out$log_se <- sqrt(drop(t(g) %*% v %*% g))
  }
  out
}

sprays <- read("orchard_sprays.csv"); sprays$exposure <- 1
lagged <- function(d) {
  d <- d[order(d$region, d$block), ]
  d$lag <- NA
  for (i in seq_len(nrow(d))) {
    j <- which(d$region == d$region[i] & d$block == d$block[i] - 1)
    if (length(j) == 1) d$lag[i] <- d$treated[j]
  }
  d[!is.na(d$lag), ]
}
# The two pilots of tests/data/schedules: days -> blocks, washout left out.
pilot <- function(days, schedule, outcome, region, day, washout) {
  s <- read(file.path("schedules", schedule)); s$from <- as.Date(s$from); s$to <- as.Date(s$to)
  days$date <- day; days$region <- region
  rows <- lapply(seq_len(nrow(s)), function(i) {
    d <- days[days$region == s$region[i] & days$date >= s$from[i] + washout & days$date <= s$to[i], ]
    data.frame(region = s$region[i], block = s$block[i], treated = as.integer(s$arm[i] != "control"),
               exposure = sum(d$customers), y = sum(d[[outcome]]))
  })
  do.call(rbind, rows)
}
hotline <- read("schedules/hotline-days.csv")
calls <- pilot(hotline, "hotline-notice.assignment.csv", "calls", hotline$region, as.Date(hotline$day), 1)
branch <- read.csv2(file.path(here, "..", "..", "data", "schedules", "branch-days.csv"))
branch$customers <- 1
visits <- pilot(branch, "branch-wedge.assignment.csv", "visits", branch$branch,
                as.Date(branch$date, "%d.%m.%Y"), 0)
# The example of experiments/.
notice <- read.csv(file.path(here, "..", "..", "..", "experiments", "ivr-fee-notice", "days.csv"))
notice <- pilot(notice, "ivr-fee-notice.assignment.csv", "fee_calls", notice$region, as.Date(notice$day), 2)
switchback <- read("panel_switchback.csv")
few <- switchback[switchback$region < 3, ]
records <- list(
  one("orchard_sprays", sprays),
  one("orchard_sprays.expanded",
      transform(sprays, exposure = 1 + (region + block) %% 3), expand = TRUE),
  one("orchard_sprays.lag", lagged(sprays), TRUE),
  one("switchback", switchback),
  one("switchback.few", few),
  one("wedge", read("panel_wedge.csv")),
  one("one", read("panel_one.csv")),
  one("pilot.hotline-notice", calls),
  one("pilot.branch-wedge", visits),
  one("pilot.ivr-fee-notice", notice),
  one("one.lag", lagged(read("panel_one.csv")), TRUE)
)
out <- list(script = "scripts/schedule.R",
            versions = list(R = R.version.string, clubSandwich = as.character(packageVersion("clubSandwich"))),
            records = records)
writeLines(toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE), file.path(here, "..", "schedule.json"))
