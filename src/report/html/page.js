// The sliders: what the reader sets, what the page shows. The model is pilotCase; the words come
// with the data, and other people's text reaches the page as textContent only.
"use strict";
(() => {
  const source = document.getElementById("case-data");
  const data = pilotCase.open(JSON.parse(source.textContent));
  const words = data.words;
  const numbers = pilotNumbers(data), charts = pilotCharts(data, numbers);
  const { fill, fixed, general, chance, moneyShort, shown } = numbers;

  // --- Elements ------------------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // --- What can be set -----------------------------------------------------------------------

  /// Changes against the plan: key → number, or null for "never".
  const changes = {};
  const controls = [];
  const WHOLE = ["horizon_months", "ramp_months", "repeat_every_months"];
  const SHARES_BELOW_ONE = ["staffing.occupancy", "staffing.shrinkage", "staffing.service_level"];
  const NULLABLE = ["half_life_months", "repeat_every_months"];
  const GROUPS = [
    ["cost", (key) => key.startsWith("cost_per_") || key.startsWith("realisation")],
    ["effect", (key) => NULLABLE.includes(key)],
    ["rollout", (key) => /^(units_at|new_customers|churn|holdout|ramp|horizon)/.test(key)],
    ["money", (key) => /^annual_/.test(key)],
    ["staffing", (key) => key.startsWith("staffing.")],
    ["season", (key) => key.startsWith("baseline_by_month.")],
  ];

  /// The assumptions with a slider each, those that the plan leaves out included.
  function settable() {
    const all = data.assumptions.slice();
    for (const key of NULLABLE) {
      if (!all.some((a) => a.key === key)) all.push({ key, form: "never", base: null, unit: data.months_unit });
    }
    return all;
  }

  /// Shares are set in percent; ends and step of the slider, and what the number may be.
  function boundsOf(a) {
    const percent = data.percents[a.key], scale = percent ? 100 : 1, unit = percent || a.unit;
    const most = SHARES_BELOW_ONE.includes(a.key) ? 99.9 : a.most != null || a.key === "holdout" ? scale : Infinity;
    const plan = Math.max((a.high || 0) * scale, (a.base || 0) * scale);
    let high = { churn_per_month: 10, annual_discount_rate: 25, half_life_months: 36, realisation_lag_months: 24, horizon_months: 60,
      ramp_months: 24, repeat_every_months: 24, new_customers_per_month: valueOf("units_at_rollout") / 20, holdout: 50 }[a.key] || 0;
    if (a.most != null && a.key === "realisation") high = 100;
    if (a.key.endsWith(".cost_per_customer")) high = 2;
    if (a.key.endsWith(".fixed_cost")) high = valueOf("units_at_rollout") / 4;
    if (a.key.endsWith(".running_cost_per_month")) high = valueOf("units_at_rollout") / 100;
    high = Math.min(Math.max(high, 2 * plan) || 1, most, WHOLE.includes(a.key) ? 600 : Infinity);
    const rough = Math.pow(10, Math.floor(Math.log10(high / 100)));
    let step = rough * (high / 100 / rough > 5 ? 5 : high / 100 / rough > 2 ? 2 : 1);
    if (WHOLE.includes(a.key)) step = 1;
    high = Math.min(Math.ceil(high / step - 1e-9) * step, most);
    const positive = a.key.startsWith("staffing.") && !["staffing.shrinkage", "staffing.answer_seconds"].includes(a.key);
    const least = a.key === "half_life_months" || positive ? step : a.key === "horizon_months" || a.key === "repeat_every_months" ? 1 : 0;
    return { scale, unit, step, low: least, high, least: a.key === "half_life_months" || positive ? 0.01 : least,
      most: WHOLE.includes(a.key) ? 600 : most };
  }

  const valueOf = (key) => (data.assumptions.find((a) => a.key === key) || { base: 0 }).base;
  /// A number in its field: without the digits that floating point adds.
  const inField = (v) => String(Number(v.toPrecision(6)));

  function control(a, number) {
    const bounds = boundsOf(a), { scale } = bounds, id = "a" + number, nullable = NULLABLE.includes(a.key);
    const label = data.labels[a.key], show = (v) => general(v * scale);
    const planned = a.base === null ? words.never[a.key] : show(a.base);
    const plan = a.low != null && a.high != null
      ? fill(words.planRange, { value: planned, low: show(a.low), high: show(a.high) })
      : fill(words.plan, { value: planned });
    const slider = make("input", { type: "range", id, min: bounds.low, max: bounds.high, step: bounds.step, "aria-describedby": id + "p" });
    const field = make("input", { type: "number", id: id + "n", step: WHOLE.includes(a.key) ? 1 : "any", min: bounds.least,
      max: bounds.most === Infinity ? null : bounds.most, "aria-label": fill(words.numberOf, { name: label }), "aria-describedby": id + "e" });
    const mark = make("span", { class: "mark", "aria-hidden": "true" });
    const reset = make("button", { type: "button", class: "reset", hidden: "", "aria-label": fill(words.resetOne, { name: label }) }, words.reset);
    const wrong = make("span", { class: "wrong", id: id + "e", role: "alert" });
    const never = nullable ? make("input", { type: "checkbox", id: id + "x" }) : null;
    const parts = [
      make("div", { class: "name" }, make("label", { for: id }, label), make("span", { class: "unit" }, bounds.unit)),
      make("div", { class: "row" }, make("div", { class: "track" }, slider, mark), field),
    ];
    if (never) parts.push(make("div", { class: "never" }, never, make("label", { for: id + "x" }, words.never[a.key])));
    parts.push(make("div", { class: "plan" }, make("span", { id: id + "p" }, plan), reset), wrong);
    const box = make("div", { class: "slider", "data-key": a.key }, ...parts);
    if (a.base === null) mark.hidden = true;
    else {
      const part = Math.min(Math.max((a.base * scale - bounds.low) / (bounds.high - bounds.low), 0), 1);
      mark.style.left = `calc(8px + ${part} * (100% - 16px))`;
    }
    const start = a.base === null ? bounds.high / 2 : a.base * scale;
    const me = {
      key: a.key,
      /// Shows what is set: the change, or the plan.
      show() {
        const changed = a.key in changes, value = changed ? changes[a.key] : a.base;
        const off = value === null;
        if (!off) {
          slider.value = value * scale;
          field.value = inField(value * scale);
        } else if (slider.value === "" || a.base === null) slider.value = start;
        if (off) field.value = "";
        slider.disabled = field.disabled = off;
        slider.setAttribute("aria-valuetext", off ? words.never[a.key] : `${general(value * scale)} ${bounds.unit}`);
        if (never) never.checked = off;
        box.classList.toggle("changed", changed);
        reset.hidden = !changed;
        wrong.textContent = "";
        field.removeAttribute("aria-invalid");
      },
    };
    const set = (value) => {
      if (value === a.base) delete changes[a.key];
      else changes[a.key] = value;
      me.show();
      schedule();
    };
    slider.addEventListener("input", () => set(Number(slider.value) / scale));
    field.addEventListener("change", () => {
      const value = field.value.trim() === "" ? NaN : Number(field.value);
      const fits = value >= bounds.least && value <= bounds.most && (!WHOLE.includes(a.key) || Number.isInteger(value)) && Number.isFinite(value);
      if (fits) return set(inField(a.base * scale) === field.value.trim() ? a.base : value / scale);
      field.setAttribute("aria-invalid", "true");
      wrong.textContent = fill(words.wrong, { least: general(bounds.least), most: bounds.most === Infinity ? words.noEnd : general(bounds.most) });
    });
    if (never) {
      never.addEventListener("change", () => set(never.checked ? null : a.base === null ? start / scale : a.base));
    }
    reset.addEventListener("click", () => {
      delete changes[a.key];
      me.show();
      schedule();
      slider.focus();
    });
    controls.push(me);
    return box;
  }

  function build() {
    const panel = document.getElementById("sliders"), all = settable();
    panel.append(make("h3", {}, words.whatIf), make("p", {}, words.intro), make("p", {}, words.keeps));
    let number = 0;
    const wide = window.matchMedia("(min-width: 62rem)").matches;
    const group = (legend, members, folded) => {
      if (!members.length) return;
      const name = make("bdi", {}, legend);
      const boxes = members.map((a) => control(a, ++number));
      const details = make("details", {}, make("summary", {}, name), ...boxes);
      details.open = wide && !folded;
      panel.append(details);
    };
    for (const [name, holds] of GROUPS) group(words.groups[name], all.filter((a) => holds(a.key)), name === "season");
    for (const arm of data.arms) group(arm.title, all.filter((a) => a.key.startsWith(`arms.${arm.name}.`)), data.arms.length > 3);
    panel.hidden = false;
    for (const c of controls) c.show();
  }

  /// Only what scrolls needs to be reached by Tab.
  function reachable() {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth + 1) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  }

  // --- The badge -----------------------------------------------------------------------------

  const differs = make("span", {}), headline = make("bdi", { class: "headline" });
  const resetAll = make("button", { type: "button", id: "reset-all" }, words.resetAll);
  const badge = make("div", { class: "badge", id: "what-if-badge", role: "region", "aria-label": words.whatIf, hidden: "" },
    make("strong", {}, words.badge), headline, differs, resetAll);
  const said = make("p", { class: "unseen", role: "status" });
  resetAll.addEventListener("click", () => {
    for (const key of Object.keys(changes)) delete changes[key];
    for (const c of controls) c.show();
    schedule();
    document.querySelector("#sliders summary").focus();
  });

  // --- Showing the result --------------------------------------------------------------------

  const rows = Array.from(document.querySelectorAll("#numbers tr[data-line]"));
  const inMonths = (n) => (n === 1 ? words.months.one : fill(words.months.many, { n }));
  const about = document.getElementById("numbers-about"), aboutPlan = about.textContent;
  /// The cells as the report wrote them.
  const asPlanned = rows.map((row) => Array.from(row.querySelectorAll("td"), (cell) => Array.from(cell.childNodes)));
  /// Lines that are one for all arms.
  const allArms = Array.from(document.querySelectorAll("#numbers tr[data-case-line]"), (row) => {
    const cell = row.querySelector("td");
    return { cell, name: row.dataset.caseLine, planned: Array.from(cell.childNodes) };
  });
  const moving = Array.from(document.querySelectorAll("figure[data-chart]"))
    .filter((f) => ["cash", "tornado", "acceptability"].includes(f.dataset.chart))
    .map((figure) => {
      const live = make("div", { class: "live", hidden: "" });
      figure.append(live);
      return { figure, live, name: figure.dataset.chart, still: Array.from(figure.children).filter((c) => c !== live) };
    });

  let waiting = 0;
  function schedule() {
    const count = Object.keys(changes).length, on = count > 0;
    document.body.classList.toggle("what-if", on);
    badge.hidden = !on;
    differs.textContent = count === 1 ? words.differsOne : fill(words.differs, { count });
    for (const note of document.querySelectorAll(".planned")) note.hidden = !on;
    document.getElementById("results").setAttribute("aria-busy", "true");
    clearTimeout(waiting);
    waiting = setTimeout(update, 40);
  }

  function update() {
    const on = Object.keys(changes).length > 0;
    if (on) {
      const result = pilotCase.run(data, changes);
      showTable(result);
      showAllArms(result);
      for (const { name, live } of moving) showChart(live, charts[name](result));
      const first = Math.max(data.arms.findIndex((a) => a.name === data.decided), 0);
      const arm = data.arms[first].title, value = moneyShort(result.arms[first].npv.value);
      const observed = moneyShort(result.arms[first].npv_observed_only.value);
      headline.textContent = fill(words.result, { arm: charts.short(arm, 40), value, observed });
      about.textContent = fill(words.numbersAbout, { months: inMonths(result.horizon_months), level: charts.levelWords(), draws: fixed(data.draws, 0) });
      said.textContent = fill(words.status, { arm, value, observed, chance: chance(result.arms[first].probability_npv_positive) });
    } else {
      for (const { cell, planned } of allArms) cell.replaceChildren(...planned);
      rows.forEach((row, i) => row.querySelectorAll("td").forEach((cell, k) => cell.replaceChildren(...asPlanned[i][k])));
      about.textContent = aboutPlan;
      said.textContent = words.atPlan;
    }
    for (const { still, live } of moving) {
      for (const part of still) part.hidden = on;
      live.hidden = !on;
    }
    reachable();
    document.getElementById("results").setAttribute("aria-busy", "false");
  }

  function showTable(result) {
    rows.forEach((row) => {
      const { line: path, kind } = row.dataset;
      row.querySelectorAll("td").forEach((cell, k) => {
        const at = (path) => path.split(".").reduce((v, part) => (v == null ? null : v[part]), result.arms[k]);
        if (at("pv_spend.value") === 0 && words.spending.lines.includes(path)) {
          cell.replaceChildren(make("span", {}, words.spending.none));
          return;
        }
        // Of a month the value may be never, and its ends too.
        fillCell(cell, kind, kind === "month" ? Object.assign({ value: at(path) }, at(path + "_interval")) : at(path));
      });
    });
  }

  function showAllArms(result) {
    for (const { cell, name } of allArms) {
      const worth = result.choice[name];
      fillCell(cell, "money", worth && worth.value);
    }
  }

  function fillCell(cell, kind, line) {
    const [value, interval] = shown(kind, line);
    const { value: number, lower, upper } = line == null || typeof line === "number" ? { value: line } : line;
    const parts = [number == null ? make("span", { "data-lower": lower }, value)
      : make("data", { value: number, "data-lower": lower, "data-upper": upper }, value)];
    if (interval !== null) parts.push(" ", make("span", { class: "interval" }, `(${interval})`));
    cell.replaceChildren(...parts);
  }

  function showChart(live, { title, about, picture }) {
    const scroll = make("div", { class: "scroll", role: "group", tabindex: 0, "aria-label": title }, picture);
    live.replaceChildren(make("p", { class: "chart-title" }, title), make("p", { class: "chart-about" }, about), scroll);
  }

  build();
  document.querySelector("main").before(badge);
  document.getElementById("results").append(said);
  document.body.classList.add("live");
  reachable();
  window.addEventListener("resize", reachable);
})();
