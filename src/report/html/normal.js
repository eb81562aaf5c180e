// The normal distribution, and the hybrid estimate of the arm that looked best: src/stats/dist.rs and
// src/stats/winner.rs in JavaScript.
"use strict";
const pilotNormal = (() => {
  /// The grid of a correction's draws: src/finance/correction.rs.
  const CURVE = 601, CURVE_END = 6;

  // --- Normal distribution -------------------------------------------------------------------

  /// P(Z > z): for small z the series of erf, beyond it the continued fraction of Mills' ratio.
  function normalSf(z) {
    if (z < 0) return 1 - normalSf(-z);
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
    if (z < 2.5) {
      let term = z, sum = z;
      for (let k = 1; Math.abs(term) > 1e-18 * sum; k++) {
        term *= (z * z) / (2 * k + 1);
        sum += term;
      }
      return 0.5 - density * sum;
    }
    let fraction = z;
    for (let k = 120; k >= 1; k--) fraction = z + k / fraction;
    return density / fraction;
  }

  /// The z with P(Z > z) = p: Acklam's start, then Newton steps on log p.
  function normalIsf(p) {
    if (p <= 0) return Infinity;
    if (p >= 1) return -Infinity;
    if (p > 0.5) return -normalIsf(1 - p);
    const t = Math.sqrt(-2 * Math.log(p));
    let z = t - (2.515517 + 0.802853 * t + 0.010328 * t * t)
      / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
    for (let k = 0; k < 6; k++) {
      const tail = normalSf(z);
      const step = ((tail / p - 1) * p) / (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI));
      z += step;
      if (Math.abs(step) < 1e-15) break;
    }
    return z;
  }

  // --- The choice's luck ---------------------------------------------------------------------

  /// P(Z <= x | from <= Z <= to), from the tail in which it keeps its digits.
  function below(from, x, to) {
    if (x <= from) return 0;
    if (x >= to) return 1;
    const between = (a, b) => (a > 0 ? normalSf(a) - normalSf(b) : normalSf(-b) - normalSf(-a));
    return between(from, x) / between(from, to);
  }

  /// What is known of the best of several estimates: src/stats/winner.rs.
  function winnerOf(values, cov, chosen, beaten, beta) {
    const value = values[chosen], variance = cov(chosen, chosen), se = Math.sqrt(variance);
    if (!(Number.isFinite(variance) && variance > 0 && Number.isFinite(value))) return null;
    let lower = -Infinity, upper = Infinity;
    for (const j of beaten) {
      const shared = cov(chosen, j), slack = variance - shared;
      if (Math.abs(slack) <= 1e-12 * variance) continue;
      const bound = (variance * values[j] - shared * value) / slack;
      if (slack > 0) lower = Math.max(lower, bound);
      else upper = Math.min(upper, bound);
    }
    const critical = normalIsf(-Math.expm1(Math.log1p(-beta) / (beaten.length + 1)) / 2);
    const l = (lower - value) / se, u = (upper - value) / se;
    /// The answer in standard errors from the estimate, not below `least`: false position (Illinois) in
    /// a bracket, halved where it does not help.
    const solve = (q, least) => {
      if (q <= 0) return -critical;
      if (q >= 1 && l < 0) return critical;
      const f = (m) => below(Math.max(l - m, -critical), -m, Math.min(u - m, critical)) - (1 - q);
      let low = least, high = Math.min(least + 0.05, critical), fl = f(low), fh = f(high), side = 0;
      if (fh > 0) [low, fl, high, fh] = [high, fh, critical, f(critical)];
      for (let i = 0; high - low > 1e-14; i++) {
        let m = i < 40 && fl > 0 && fh < 0 ? low + ((high - low) * fl) / (fl - fh) : 0.5 * (low + high);
        if (!(m > low && m < high)) m = 0.5 * (low + high);
        if (!(m > low && m < high)) break;
        const fm = f(m);
        if (fm > 0) {
          [low, fl] = [m, fm];
          if (side === 1) fh /= 2;
          side = 1;
        } else {
          [high, fh] = [m, fm];
          if (side === -1) fl /= 2;
          side = -1;
        }
      }
      return 0.5 * (low + high);
    };
    const at = (p) => Math.min(Math.max((p - beta / 2) / (1 - beta), 0), 1);
    const curve = new Float64Array(CURVE);
    let last = -critical;
    for (let i = 0; i < CURVE; i++) {
      curve[i] = solve(at(normalSf(-curveAt(i))), last);
      // Quantiles rise; a little less, for what rounding leaves open.
      last = Math.max(curve[i] - 1e-9, -critical);
    }
    return { shift: solve(0.5, -critical), curve };
  }

  const curveAt = (i) => -CURVE_END + (2 * CURVE_END * i) / (CURVE - 1);

  /// A draw z standard errors from its estimate, as it is given the choice.
  function givenChoice(correction, z) {
    if (!correction) return z;
    const place = Math.min(Math.max((z + CURVE_END) / (2 * CURVE_END), 0), 1) * (CURVE - 1);
    const below = Math.min(Math.floor(place), CURVE - 2), { curve } = correction;
    return curve[below] + (place - below) * (curve[below + 1] - curve[below]);
  }

  return { normalSf, normalIsf, winnerOf, givenChoice };
})();
