// The business case once more: src/finance in JavaScript, the same formulas and the same order of
// sums, so that both agree to rounding. Pure functions of plain data; nothing here knows the page.
"use strict";
const pilotCase = (() => {
  const { normalSf, normalIsf, winnerOf, givenChoice } = pilotNormal, { staffingOf } = pilotAgents;
  const DAYS_PER_MONTH = 30.4375;
  const FAN = [0.05, 0.25, 0.5, 0.75, 0.95];
  const ENDS = [0.05, 0.95];
  const FADES_AFTER_ALL = 12;
  const VALUES = 41;
  /// beta of the hybrid estimate over alpha.
  const BETA_OVER_ALPHA = 0.1;
  /// Part of all that is spent below which a shortfall is rounding.
  const ROUNDING = 1e-9;

  // --- Assumptions ---------------------------------------------------------------------------

  /// A number that a slider sets; null is "never" (half-life, repeat).
  const fixed = (value) => ({ form: "number", base: value });

  const isUncertain = (a) => (a.form === "triangular" && a.low < a.high) || (a.form === "normal" && a.sd > 0);

  /// The value below which a share u of the distribution lies.
  function quantileOf(a, u) {
    if (a.form === "triangular") {
      const { low, mode, high } = a;
      if (low === high) return low;
      const width = high - low, left = mode - low;
      return u * width <= left ? low + Math.sqrt(u * width * left) : high - Math.sqrt((1 - u) * width * (high - mode));
    }
    if (a.form === "normal") {
      const mean = a.base, sd = a.sd;
      if (sd === 0) return mean;
      const most = a.most == null ? Infinity : a.most;
      const above = most === Infinity ? 0 : normalSf((most - mean) / sd);
      const inside = normalSf(-mean / sd) - above;
      return Math.min(Math.max(mean + sd * normalIsf(above + (1 - u) * inside), 0), most);
    }
    return a.base;
  }

  /// The assumptions of a case by key, with changes; a key that is set to null is absent.
  function assumptionsOf(data, changes) {
    const all = new Map(data.assumptions.filter((a) => a.base !== null).map((a) => [a.key, a]));
    for (const [key, to] of Object.entries(changes)) {
      if (to === null) all.delete(key);
      else all.set(key, Object.assign({}, all.get(key), { key, low: null, mode: null, high: null, sd: null }, fixed(to)));
    }
    return all;
  }

  /// One value for every assumption; `pick` says which.
  function valuesOf(all, data, pick) {
    const at = (key) => (all.has(key) ? pick(all.get(key)) : 0);
    const cost = all.has("cost_per_minute.variable") ? "cost_per_minute" : "cost_per_contact";
    return {
      variable: at(cost + ".variable"),
      labour: at(cost + ".labour"),
      realisation: at("realisation"),
      lag: at("realisation_lag_months"),
      kept: all.has("half_life_months") ? Math.pow(2, -1 / at("half_life_months")) : 1,
      units: at("units_at_rollout"),
      newCustomers: at("new_customers_per_month"),
      churn: at("churn_per_month"),
      rate: at("annual_discount_rate"),
      budget: at("annual_service_budget"),
      costs: data.effects.map((e) => ({
        fixed: at(`arms.${e.arm}.fixed_cost`),
        perCustomer: at(`arms.${e.arm}.cost_per_customer`),
        perMonth: at(`arms.${e.arm}.running_cost_per_month`),
      })),
    };
  }

  // --- Customers month by month --------------------------------------------------------------

  function timetableOf(all, data) {
    const number = (key, otherwise) => (all.has(key) ? all.get(key).base : otherwise);
    const horizon = number("horizon_months", 0), ramp = number("ramp_months", 0);
    const reached = (u) => (ramp === 0 ? Math.min(u, 1) : Math.min(u / ramp, 1));
    const share = [], season = [];
    for (let u = 1; u <= horizon; u++) {
      share.push(reached(u) - reached(u - 1));
      season.push(number(`baseline_by_month.${(((data.pilot.start_month || 1) - 1 + u - 1) % 12) + 1}`, 1));
    }
    return {
      horizon, share, season,
      repeat: number("repeat_every_months", null),
      offered: 1 - number("holdout", 0),
      window: data.pilot.window_days / DAYS_PER_MONTH,
    };
  }

  /// Customers served and contacts avoided by month, per contact avoided per customer-month.
  function profileOf(values, time) {
    const { horizon, window } = time;
    const stay = 1 - values.churn, left = values.kept;
    const months = Math.ceil(window), seen = [];
    let total = 0, fade = 1, survival = 1;
    for (let age = 0; age < months; age++) {
      const inside = Math.min(window - age, 1);
      total += inside * fade;
      if (age < horizon) seen.push(inside * fade * survival);
      fade *= left;
      survival *= stay;
    }
    const meanLeft = total / window, p = time.repeat;
    const stayed = p === null ? 0 : Math.pow(stay, p);
    const restored = p === null ? 0 : stayed * (1 - Math.pow(left, p));
    const reached = new Float64Array(horizon), delivered = new Float64Array(horizon);
    const avoided = new Float64Array(horizon), observed = new Float64Array(horizon);
    let active = 0;
    for (let t = 0; t < horizon; t++) {
      const first = time.offered * (time.share[t] * values.units + values.newCustomers);
      reached[t] = first;
      active = stay * left * active + first;
      let every = first;
      if (p !== null && t >= p) {
        every += stayed * delivered[t - p];
        active += restored * delivered[t - p];
      }
      const effect = time.season[t] / meanLeft;
      delivered[t] = every;
      avoided[t] = effect * active;
      let young = 0;
      for (let age = 0; age < seen.length && age <= t; age++) young += reached[t - age] * seen[age];
      observed[t] = effect * young;
    }
    return { delivered, avoided, observed };
  }

  // --- Cash ----------------------------------------------------------------------------------

  function pricesOf(values, horizon) {
    const realised = new Float64Array(horizon), end = new Float64Array(horizon), start = new Float64Array(horizon);
    const month = Math.pow(1 + values.rate, -1 / 12);
    let factor = 1;
    for (let t = 1; t <= horizon; t++) {
      start[t - 1] = factor;
      factor *= month;
      end[t - 1] = factor;
      realised[t - 1] = values.realisation * Math.min(Math.max(t - values.lag, 0), 1);
    }
    return { realised, end, start };
  }

  /// Sums over the horizon that all arms share.
  function sumsOf(values, profile, prices) {
    const sums = {
      contacts: 0, contactsObserved: 0, contactsPv: 0, savingsPv: 0, observedPv: 0,
      deliveryPv: 0, runningPv: 0, yearly: 0, yearlyUnrealised: 0, yearlyUnits: 0,
    };
    const horizon = prices.end.length, year = Math.min(horizon, 12);
    for (let t = 0; t < horizon; t++) {
      const labour = values.labour * prices.realised[t];
      const cash = (values.variable + labour) * prices.end[t];
      sums.contacts += profile.avoided[t];
      sums.contactsObserved += profile.observed[t];
      sums.contactsPv += profile.avoided[t] * prices.end[t];
      sums.savingsPv += profile.avoided[t] * cash;
      sums.observedPv += profile.observed[t] * cash;
      sums.deliveryPv += profile.delivered[t] * prices.start[t];
      sums.runningPv += prices.start[t];
      if (t + year >= horizon) {
        const ofYear = (profile.avoided[t] * 12) / year;
        sums.yearlyUnits += ofYear;
        sums.yearly += ofYear * (values.variable + labour);
        sums.yearlyUnrealised += ofYear * (values.variable + values.labour);
      }
    }
    return sums;
  }

  /// First month from which cumulative cash stays at 0 or above; null if none.
  function payback(cumulative, from, months, spent) {
    const enough = -ROUNDING * spent;
    let short = months - 1;
    while (short >= 0 && !(cumulative[from + short] < enough)) short--;
    if (short < 0) short = 0;
    return short + 1 < months ? short + 1 : null;
  }

  /// One arm at one set of values; cumulative cash goes to `cumulative` from `from` on.
  function outcomeOf(ready, avoided, costs, cumulative, from) {
    const { values, profile, prices, sums } = ready;
    const horizon = prices.end.length;
    const result = worth(ready, avoided, costs), enough = -ROUNDING * result.pvSpend;
    let total = -costs.fixed, spent = costs.fixed, discounted = total, short = 0;
    cumulative[from] = total;
    for (let t = 0; t < horizon; t++) {
      const spend = costs.perCustomer * profile.delivered[t] + costs.perMonth;
      const saved = avoided.priced * profile.avoided[t] * (values.variable + values.labour * prices.realised[t]);
      spent += spend;
      total += saved - spend;
      cumulative[from + t + 1] = total;
      discounted += saved * prices.end[t] - spend * prices.start[t];
      if (discounted < enough) short = t + 1;
    }
    result.payback = payback(cumulative, from, horizon + 1, spent);
    result.paybackDiscounted = short < horizon ? short + 1 : null;
    return result;
  }

  /// The same without its months.
  function worth({ values, sums }, avoided, costs) {
    const pvSavings = avoided.priced * sums.savingsPv;
    const pvSpend = costs.fixed + costs.perCustomer * sums.deliveryPv + costs.perMonth * sums.runningPv;
    return {
      avoided,
      contacts: avoided.contacts * sums.contacts,
      minutes: avoided.priced * sums.contacts,
      contactsPv: avoided.contacts * sums.contactsPv,
      pvSavings, pvSpend,
      slope: sums.savingsPv,
      slopeObserved: sums.observedPv,
      everyReason: avoided.every * sums.savingsPv - pvSpend,
      npv: pvSavings - pvSpend,
      pvObserved: avoided.priced * sums.observedPv,
      observed: avoided.priced * sums.observedPv - pvSpend,
      yearly: avoided.priced * sums.yearly,
      yearlyUnrealised: avoided.priced * sums.yearlyUnrealised,
      yearlyContacts: avoided.contacts * sums.yearlyUnits,
      yearlyPriced: avoided.priced * sums.yearlyUnits,
      budget: values.budget,
    };
  }

  function readyFor(values, time) {
    const profile = profileOf(values, time);
    const prices = pricesOf(values, time.horizon);
    return { values, time, profile, prices, sums: sumsOf(values, profile, prices) };
  }

  // --- Intervals -----------------------------------------------------------------------------

  /// Type 7 of Hyndman & Fan on sorted values.
  function quantile(sorted, p) {
    const h = (sorted.length - 1) * p, below = Math.min(Math.floor(h), sorted.length - 1);
    const low = sorted[below], part = h - below;
    if (part > 0 && below + 1 < sorted.length && sorted[below + 1] !== low) return low + part * (sorted[below + 1] - low);
    return low;
  }

  const known = (v) => (Number.isFinite(v) ? v : null);

  function interval(values, level) {
    if (values.some(Number.isNaN)) return [null, null];
    const sorted = Float64Array.from(values).sort(), tail = (1 - level) / 2;
    return [known(quantile(sorted, tail)), known(quantile(sorted, 1 - tail))];
  }

  /// Ends of whole months, null for never: Hyndman & Fan's type 1.
  function monthsInterval(values, level) {
    const sorted = values.map((v) => (v === null ? Infinity : v)).sort((a, b) => a - b), tail = (1 - level) / 2;
    const at = (p) => known(sorted[Math.max(Math.ceil(sorted.length * p - 1e-9) - 1, 0)]);
    return { lower: at(tail), upper: at(1 - tail) };
  }

  /// The correction of each arm for having been chosen from itself and those it beats; null where none.
  function correctionsOf(data, slope, spends) {
    const benefits = data.effects.map((e, k) => slope * avoidedAt(e, 0).priced - spends[k]);
    const beta = BETA_OVER_ALPHA * (1 - data.level);
    const cov = (i, j) => data.covariance[i][j] * slope * slope;
    return benefits.map((own, k) => {
      const beaten = benefits.map((_, j) => j).filter((j) => j !== k && benefits[j] <= own);
      return beaten.length && slope > 0 ? winnerOf(benefits, cov, k, beaten, beta) : null;
    });
  }

  // --- The case ------------------------------------------------------------------------------

  /// Columns of four hexadecimal digits a draw.
  function decode(column, draws, of) {
    const out = new Float64Array(draws);
    for (let i = 0; i < draws; i++) out[i] = of(parseInt(column.slice(4 * i, 4 * i + 4), 16));
    return out;
  }

  /// Reads the embedded draws once.
  function open(data) {
    const z = (n) => (n - 32768) / 1000, u = (n) => (n + 0.5) / 65536;
    const draws = data.draws;
    return Object.assign({}, data, {
      uniforms: new Map(data.columns.map((c) => [c.key, decode(c.u, draws, u)])),
      effects: data.effects.map((e) => {
        const every = e.every_reason && Object.assign({}, e.every_reason, { drawn: decode(e.every_reason.z, draws, z) });
        return Object.assign({}, e, { estimated: decode(e.z, draws, z), every_reason: every });
      }),
    });
  }

  /// An effect so many standard errors from its estimate. For every reason it lies where the draw (or the
  /// estimate) has it, moved as far as what the primary outcome counts is moved from `estimatedZ`.
  function avoidedAt(effect, z, estimatedZ = z, draw = null) {
    const contacts = effect.contacts + z * effect.contacts_se, every = effect.every_reason;
    const [minutes, se] = effect.minutes == null ? [effect.contacts, effect.contacts_se] : [effect.minutes, effect.minutes_se];
    const priced = effect.minutes == null ? contacts : minutes + z * se;
    const estimated = minutes + estimatedZ * se;
    const counted = every ? every.estimate + (draw === null ? 0 : every.drawn[draw] * every.se) + (priced - estimated) : priced;
    return { contacts, priced, every: counted };
  }

  /// The whole case with changed assumptions ({ key: number | null }), on the embedded draws.
  function run(data, changes) {
    const all = assumptionsOf(data, changes), time = timetableOf(all, data), { draws, level } = data;
    const months = time.horizon + 1, arms = data.effects.length;
    const base = readyFor(valuesOf(all, data, (a) => a.base), time);
    const cash = new Float64Array(months);
    const raw = data.effects.map((e, k) => worth(base, avoidedAt(e, 0), base.values.costs[k]));
    const corrections = correctionsOf(data, base.sums.savingsPv, raw.map((o) => o.pvSpend));
    const atBase = data.effects.map((e, k) => {
      const months = new Float64Array(time.horizon + 1), z = corrections[k] ? corrections[k].shift : 0;
      const outcome = outcomeOf(base, avoidedAt(e, z, 0), base.values.costs[k], months, 0);
      return { outcome, months, estimated: raw[k], correction: corrections[k] };
    });
    const outcomes = data.effects.map(() => []), estimated = data.effects.map(() => []);
    const cumulative = data.effects.map(() => new Float64Array(draws * months));
    for (let i = 0; i < draws; i++) {
      const pick = (a) => (isUncertain(a) && data.uniforms.has(a.key) ? quantileOf(a, data.uniforms.get(a.key)[i]) : a.base);
      const ready = readyFor(valuesOf(all, data, pick), time);
      for (let k = 0; k < arms; k++) {
        const effect = data.effects[k], costs = ready.values.costs[k];
        const z = effect.estimated[i];
        outcomes[k].push(outcomeOf(ready, avoidedAt(effect, givenChoice(corrections[k], z), z, i), costs, cash, 0));
        for (let m = 0; m < months; m++) cumulative[k][m * draws + i] = cash[m];
        estimated[k].push(worth(ready, avoidedAt(effect, effect.estimated[i]), costs));
      }
    }
    return {
      horizon_months: time.horizon,
      arms: data.effects.map((e, k) => armOf(data, all, base, atBase[k], outcomes[k], estimated[k], e)),
      cashflow: data.effects.map((e, k) => cashOf(atBase[k].months, cumulative[k], draws, level)),
      tornado: tornadoOf(data, all, time, base, atBase),
      choice: choiceOf(data, base.sums, atBase.map((a) => a.estimated), estimated),
    };
  }

  function armOf(data, all, base, { outcome, estimated: raw, correction }, outcomes, estimated, effect) {
    const { level, draws, pilot } = data, minutes = effect.minutes != null;
    const line = (pick, value = pick(outcome), of = outcomes) => {
      const [lower, upper] = interval(of.map(pick), level);
      return { value, lower, upper };
    };
    const share = (holds) => outcomes.filter(holds).length / draws;
    const perContact = (o) => (o.contactsPv > 0 ? o.pvSpend / o.contactsPv : Infinity);
    const saves = outcome.slope > 0;
    const evenDay = (o) => (o.slope > 0 ? o.pvSpend / o.slope / DAYS_PER_MONTH : Infinity);
    const beyond = (o) => 1 - o.slopeObserved / o.slope, saving = outcomes.filter((o) => o.slope > 0);
    const rate = (minutes ? pilot.control_minutes : pilot.control_contacts) / DAYS_PER_MONTH;
    const budget = base.values.budget > 0 && base.time.horizon >= 12;
    const rawLine = (pick) => {
      const [lower, upper] = interval(estimated.map(pick), level);
      return { value: pick(raw), lower, upper };
    };
    return {
      arm: effect.arm,
      avoided_per_customer_month: line((o) => o.avoided.contacts),
      minutes_per_customer_month: minutes ? line((o) => o.avoided.priced) : null,
      contacts_avoided: line((o) => o.contacts),
      minutes_avoided: minutes ? line((o) => o.minutes) : null,
      pv_savings: line((o) => o.pvSavings),
      pv_spend: line((o) => o.pvSpend),
      npv: line((o) => o.npv),
      npv_observed_only: line((o) => o.observed),
      every_reason: effect.every_reason ? {
        avoided_per_customer_month: line((o) => o.avoided.every),
        npv: line((o) => o.everyReason),
        probability_npv_positive: share((o) => o.everyReason > 0),
      } : null,
      share_beyond_observed: saves ? line(beyond, beyond(outcome), saving) : null,
      npv_share_beyond_observed: outcome.npv > 0 ? line((o) => (o.npv > 0 ? (o.pvSavings - o.pvObserved) / o.npv : Infinity)) : null,
      roi: outcome.pvSpend > 0 ? line((o) => (o.pvSpend > 0 ? o.pvSavings / o.pvSpend - 1 : NaN)) : null,
      payback_months: outcome.payback,
      payback_months_interval: monthsInterval(outcomes.map((o) => o.payback), level),
      payback_months_discounted: outcome.paybackDiscounted,
      payback_months_discounted_interval: monthsInterval(outcomes.map((o) => o.paybackDiscounted), level),
      cost_per_contact_avoided: outcome.contactsPv > 0 ? line(perContact) : null,
      break_even_reduction: saves && rate > 0 ? line((o) => evenDay(o) / rate) : null,
      break_even_avoided_per_day: saves ? line(evenDay) : null,
      break_even_exists: saves ? saving.length / draws : null,
      budget_share: budget ? line((o) => o.yearly / o.budget) : null,
      budget_share_unrealised: budget ? line((o) => o.yearlyUnrealised / o.budget) : null,
      probability_budget_claim: budget ? share((o) => o.yearly / o.budget >= data.claimed_budget_share) : null,
      probability_npv_positive: share((o) => o.npv > 0),
      probability_payback: data.payback_within_months == null ? null
        : share((o) => o.payback !== null && o.payback <= data.payback_within_months),
      staffing: staffingOf(data, all, base, outcome, line),
      as_estimated: correction ? {
        avoided_per_customer_month: rawLine((o) => o.avoided.contacts),
        minutes_per_customer_month: minutes ? rawLine((o) => o.avoided.priced) : null,
        contacts_avoided: rawLine((o) => o.contacts),
        npv: rawLine((o) => o.npv),
        probability_npv_positive: estimated.filter((o) => o.npv > 0).length / draws,
      } : null,
    };
  }

  /// Cumulative cash by month: at base, interval and fan.
  function cashOf(months, cumulative, draws, level) {
    const tail = (1 - level) / 2;
    return Array.from(months, (value, m) => {
      const sorted = cumulative.subarray(m * draws, (m + 1) * draws).slice().sort();
      const [p05, p25, p50, p75, p95] = FAN.map((p) => quantile(sorted, p));
      return {
        month: m, cumulative: value,
        cumulative_lower: known(quantile(sorted, tail)), cumulative_upper: known(quantile(sorted, 1 - tail)),
        fan: { p05, p25, p50, p75, p95 },
      };
    });
  }

  // --- What moves it, and which arm ----------------------------------------------------------

  function tornadoOf(data, all, time, base, atBase) {
    const bars = [];
    const at = (key, value) => {
      const changed = new Map(all);
      if (value === null) changed.delete(key);
      else changed.set(key, Object.assign({}, all.get(key), { key }, fixed(value)));
      const ready = readyFor(valuesOf(changed, data, (a) => a.base), time);
      return atBase.map((a, k) => worth(ready, a.outcome.avoided, ready.values.costs[k]).npv);
    };
    const bar = (key, range, low, high) => bars.push({ key, range, low, high, unit: (all.get(key) || {}).unit || data.months_unit, npv: [at(key, low), at(key, high)] });
    for (const [key, a] of all) {
      if (isUncertain(a)) bar(key, "percentiles", ...ENDS.map((p) => quantileOf(a, p)));
    }
    const has = (key) => bars.some((b) => b.key === key);
    if (all.has("realisation") && !has("realisation")) bar("realisation", "not-stated", 0, 1);
    if (!all.has("half_life_months")) bar("half_life_months", "not-stated", FADES_AFTER_ALL, null);
    else if (!has("half_life_months")) {
      const months = all.get("half_life_months").base;
      bar("half_life_months", "not-stated", months / 2, months * 2);
    }
    const always = ["effect", "half_life_months", "realisation"];
    return data.effects.flatMap((e, k) => {
      const { correction } = atBase[k];
      const end = (z) => avoidedAt(e, givenChoice(correction, z)).priced;
      const [low, high] = [end(-data.tail_z), end(data.tail_z)];
      const spend = atBase[k].outcome.pvSpend;
      const rows = bars.map((b) => ({
        arm: e.arm, key: b.key, range: b.range, low: b.low, high: b.high, unit: b.unit, npv_low: b.npv[0][k], npv_high: b.npv[1][k],
      }));
      rows.unshift({
        arm: e.arm, key: "effect", range: "percentiles", low, high, unit: data.effect_unit,
        npv_low: low * base.sums.savingsPv - spend, npv_high: high * base.sums.savingsPv - spend,
      });
      const length = (row) => Math.abs(row.npv_high - row.npv_low);
      return rows.filter((row) => length(row) > 0 || always.includes(row.key)).sort((a, b) => length(b) - length(a));
    });
  }

  /// 0 where nothing is above 0, else 1 + the place of the first largest.
  function bestOf(values) {
    let best = 0, most = 0;
    values.forEach((value, k) => {
      if (value > most) [best, most] = [k + 1, value];
    });
    return best;
  }

  /// Cost of a further contact avoided along the frontier of points sorted by cost.
  function frontier(points) {
    const kept = [], standing = points.map(() => "dominated"), ratios = points.map(() => null);
    points.forEach(([cost, effect], i) => {
      if (!kept.length) return void kept.push([i, null]);
      if (effect <= points[kept[kept.length - 1][0]][1]) return;
      const ratio = (from) => (cost - points[from][0]) / (effect - points[from][1]);
      while (kept.length) {
        const [last, before] = kept[kept.length - 1];
        if (before === null || ratio(last) > before) break;
        standing[last] = "extendedly-dominated";
        kept.pop();
      }
      if (kept.length) kept.push([i, ratio(kept[kept.length - 1][0])]);
    });
    for (const [i, ratio] of kept) [standing[i], ratios[i]] = ["frontier", ratio];
    return { standing, ratios };
  }

  /// Present value of the savings of one of control's contacts at the plan's prices.
  function valueByPrices({ pilot }, sums) {
    if (!(sums.contactsPv > 0)) return null;
    const minutes = pilot.control_minutes, contacts = pilot.control_contacts;
    return (sums.savingsPv / sums.contactsPv) * (minutes == null ? 1 : contacts > 0 ? minutes / contacts : 0);
  }

  function choiceOf(data, sums, raw, estimated) {
    const names = data.effects.map((e) => e.arm);
    const all = [{ arm: null, cost: 0, contacts: 0 }];
    raw.forEach((o, k) => all.push({ arm: names[k], cost: o.pvSpend, contacts: o.contactsPv }));
    all.sort((a, b) => a.cost - b.cost || b.contacts - a.contacts);
    const { standing, ratios } = frontier(all.map((o) => [o.cost, o.contacts]));
    const options = all.map((o, i) => Object.assign(o, { standing: standing[i], cost_per_further_contact: ratios[i] }));
    let best = 0;
    raw.forEach((o, k) => { if (o.npv > raw[best].npv) best = k; });
    const own = raw[best].contactsPv > 0 ? raw[best].pvSavings / raw[best].contactsPv : valueByPrices(data, sums);
    const most = [...ratios, own].reduce((m, v) => (v !== null && Number.isFinite(v) && v > m ? v : m), 0);
    const acceptability = [];
    const mean = (k, pick) => estimated[k].reduce((sum, o) => sum + pick(o), 0) / data.draws;
    const contacts = names.map((_, k) => mean(k, (o) => o.contactsPv)), spend = names.map((_, k) => mean(k, (o) => o.pvSpend));
    for (let i = 0; most > 0 && i < VALUES; i++) {
      const value = (2 * most * i) / (VALUES - 1), wins = new Array(names.length + 1).fill(0);
      for (let d = 0; d < data.draws; d++) {
        wins[bestOf(names.map((_, k) => value * estimated[k][d].contactsPv - estimated[k][d].pvSpend))] += 1;
      }
      const average = bestOf(names.map((_, k) => value * contacts[k] - spend[k]));
      wins.forEach((n, option) => acceptability.push({
        value, arm: option ? names[option - 1] : null, probability: n / data.draws, best_on_average: option === average,
      }));
    }
    return { options, value_of_contact: own, acceptability, perfect_information: informationOf(estimated, data.draws) };
  }

  /// Expected value of perfect information, with its standard error from the draws.
  function informationOf(estimated, draws) {
    const chosen = bestOf(estimated.map((of) => of.reduce((sum, o) => sum + o.npv, 0)));
    const losses = [];
    for (let d = 0; d < draws; d++) {
      const most = estimated.reduce((m, of) => Math.max(m, of[d].npv), 0);
      losses.push(most - (chosen ? estimated[chosen - 1][d].npv : 0));
    }
    const value = losses.reduce((sum, l) => sum + l, 0) / draws;
    const squares = losses.reduce((sum, l) => sum + (l - value) * (l - value), 0);
    const se = Math.sqrt(squares / (draws - 1) / draws);
    return Number.isFinite(value) && Number.isFinite(se) ? { value, se } : null;
  }

  return { open, run, quantileOf, isUncertain, normalSf, normalIsf };
})();
