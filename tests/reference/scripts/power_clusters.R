# The cluster test of the simulated power against clubSandwich: seizures of MASS::epil, patients as
# clusters of 1 to 4 fortnights (the first 1 + patient mod 4), patients 1-8 and 29-36.
#
#   Rscript power_clusters.R     (its output stands in src/stats/power/simulate/clusters.rs)
suppressMessages({library(MASS); library(clubSandwich)})
d <- subset(epil, subject %in% c(1:8, 29:36) & period <= 1 + subject %% 4)
d$t <- as.numeric(d$trt == "progabide")
totals <- aggregate(cbind(m = 1, y) ~ subject + t, transform(d, m = 1), sum)
print(totals)
test <- coef_test(lm(y ~ t, d), vcov = "CR2", cluster = d$subject, test = "Satterthwaite")["t", ]
cat(sprintf("difference %.15g se %.15g df %.15g\n", test$beta, test$SE, test$df_Satt))
# log(mean control/mean treatment) by the delta method: the same contrast of the two means with
# weights 1/mean, so the same CR2 matrix of the two means.
means <- lm(y ~ 0 + factor(t), d)
v <- vcovCR(means, cluster = d$subject, type = "CR2")
w <- 1 / coef(means)
cat(sprintf("log ratio %.15g se %.15g\n", log(w[2] / w[1]), sqrt(sum(w^2 * diag(v)))))
# Satterthwaite's df of that contrast.
lt <- linear_contrast(means, vcov = v, contrasts = matrix(c(w[1], -w[2]), 1), test = "Satterthwaite")
print(lt, digits = 15); cat(sprintf("df of the ratio %.15g\n", lt$df))
