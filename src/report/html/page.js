// The sliders: what the reader sets, what the page shows. The model is pilotCase; the words come
// with the data, and other people's text reaches the page as textContent only.
"use strict";
(() => {
  const source = document.getElementById("case-data");
  const data = pilotCase.open(JSON.parse(source.textContent));
  const words = data.words;
  const fill = (text, gaps) => text.replace(/\{(\w+)\}/g, (all, name) => (name in gaps ? String(gaps[name]) : all));

  // --- Numbers as src/number.rs writes them --------------------------------------------------

  const MINUS = "−", UNKNOWN = "–";
  const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

  /// toFixed with ties to even: a tie shows in the exact digits of the binary value.
  function halfEven(value, decimals) {
    const text = value.toFixed(decimals);
    const exact = value.toFixed(Math.min(100, decimals + 60));
    const tail = exact.slice(text.includes(".") ? text.length : exact.indexOf("."), exact.length).replace(".", "");
    if (!/^50*$/.test(tail)) return text;
    const down = exact.slice(0, decimals > 0 ? exact.indexOf(".") + 1 + decimals : exact.indexOf("."));
    return "02468".includes(down[down.length - 1]) ? down : text;
  }

  function fixed(value, decimals) {
    if (!Number.isFinite(value)) return UNKNOWN;
    const size = Math.abs(value);
    if (size >= 1e15 || decimals > 15) return value.toExponential(2).replace("+", "").replace(/-/g, MINUS);
    let digits;
    if (decimals >= 0) digits = halfEven(size, decimals);
    else {
      const unit = Math.pow(10, -decimals);
      digits = (Number(halfEven(size / unit, 0)) * unit).toFixed(0);
    }
    const [whole, fraction] = digits.split(".");
    const sign = value < 0 && /[1-9]/.test(digits) ? MINUS : "";
    return sign + grouped(whole) + (fraction ? "." + fraction : "");
  }

  function decimalsOf(uncertainty) {
    if (!Number.isFinite(uncertainty) || uncertainty <= 0) return null;
    const exponent = Math.floor(Math.log10(uncertainty));
    return Math.round(uncertainty / Math.pow(10, exponent - 2)) < 355 ? 1 - exponent : -exponent;
  }

  const significant = (value, digits) =>
    value === 0 || !Number.isFinite(value) ? 0 : digits - 1 - Math.floor(Math.log10(Math.abs(value)));

  function general(value) {
    if (Number.isInteger(value)) return fixed(value, 0);
    const text = fixed(value, Math.max(significant(value, 4), 0));
    return text.includes("e") || !text.includes(".") ? text : text.replace(/0+$/, "").replace(/\.$/, "");
  }

  const percentWith = (share, decimals) => fixed(share * 100, decimals) + " %";
  const percent = (share) => percentWith(share, share !== 0 && Math.abs(share) < 0.0995 ? 1 : 0);

  function chance(share) {
    if (share < 0.001) return "under 0.1 %";
    if (share > 0.999) return "over 99.9 %";
    return percentWith(share, share >= 0.0995 && share < 0.995 ? 0 : 1);
  }

  function moneyWith(value, decimals) {
    const text = fixed(value, decimals);
    return text.startsWith(MINUS) ? MINUS + data.currency + " " + text.slice(1) : data.currency + " " + text;
  }
  const money = (value) => moneyWith(value, data.minor_digits);
  const moneyShort = (value) => moneyWith(value, Math.abs(value) >= 1000 ? 0 : data.minor_digits);

  function range(lower, upper, show) {
    if (lower == null && upper == null) return null;
    if (upper == null) return fill(words.atLeast, { low: show(lower) });
    if (lower == null) return fill(words.atMost, { high: show(upper) });
    return fill(words.to, { low: show(lower), high: show(upper) });
  }

  /// A line as the table shows it: its value and, in words, its interval.
  function shown(kind, line) {
    if (line == null) return [kind === "month" ? words.noPayback : UNKNOWN, null];
    const { value, lower, upper } = typeof line === "number" ? { value: line } : line;
    const half = lower != null && upper != null ? (upper - lower) / 2 : 0;
    const end = lower != null ? lower : upper;
    const about = half || (end != null ? Math.abs(value - end) : 0);
    const decimals = decimalsOf(about), whole = decimalsOf(half);
    const show = {
      rate: (v) => fixed(v, decimals == null ? significant(value, 3) : decimals),
      count: (v) => fixed(v, Math.min(whole == null ? 0 : whole, 0)),
      money: moneyShort,
      "money-full": money,
      percent, chance, general,
      month: (v) => fixed(v, 0),
    }[kind];
    return [show(value), range(lower, upper, show)];
  }

  // --- Elements ------------------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function draw(tag, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // --- What can be set -----------------------------------------------------------------------

  /// Changes against the plan: key → number, or null for "never".
  const changes = {};
  const controls = [];
  const WHOLE = ["horizon_months", "ramp_months", "repeat_every_months"];
  const NULLABLE = ["half_life_months", "repeat_every_months"];
  const GROUPS = [
    ["cost", (key) => key.startsWith("cost_per_") || key.startsWith("realisation")],
    ["effect", (key) => NULLABLE.includes(key)],
    ["rollout", (key) => /^(units_at|new_customers|churn|holdout|ramp|horizon)/.test(key)],
    ["money", (key) => /^annual_/.test(key)],
    ["season", (key) => key.startsWith("baseline_by_month.")],
  ];

  const titleOf = (arm) => data.arms.find((a) => a.name === arm).title;

  /// The assumptions with a slider each, those that the plan leaves out included.
  function settable() {
    const all = data.assumptions.slice();
    for (const key of NULLABLE) {
      if (!all.some((a) => a.key === key)) all.push({ key, form: "never", base: null, unit: "months" });
    }
    return all;
  }

  /// Shares are set in percent; ends and step of the slider, and what the number may be.
  function boundsOf(a) {
    const share = a.unit.startsWith("share"), scale = share ? 100 : 1;
    const unit = share ? a.unit.replace("share", "%") : a.unit;
    const most = a.most != null || a.key === "holdout" ? scale : Infinity;
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
    const least = a.key === "half_life_months" ? step : a.key === "horizon_months" || a.key === "repeat_every_months" ? 1 : 0;
    return { scale, unit, step, low: least, high, least: a.key === "half_life_months" ? 0.01 : least,
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
    const group = (legend, members, folded) => {
      if (!members.length) return;
      const name = make("bdi", {}, legend);
      const boxes = members.map((a) => control(a, ++number));
      panel.append(folded
        ? make("details", {}, make("summary", {}, name), ...boxes)
        : make("fieldset", {}, make("legend", {}, name), ...boxes));
    };
    for (const [name, holds] of GROUPS) group(words.groups[name], all.filter((a) => holds(a.key)), name === "season");
    for (const arm of data.arms) group(arm.title, all.filter((a) => a.key.startsWith(`arms.${arm.name}.`)), data.arms.length > 3);
    panel.hidden = false;
    for (const c of controls) c.show();
  }

  // --- The badge -----------------------------------------------------------------------------

  const differs = make("span", {});
  const resetAll = make("button", { type: "button", id: "reset-all" }, words.resetAll);
  const badge = make("div", { class: "badge", id: "what-if-badge", role: "region", "aria-label": words.whatIf, hidden: "" },
    make("strong", {}, words.badge), differs, resetAll);
  const said = make("p", { class: "unseen", role: "status" });
  resetAll.addEventListener("click", () => {
    for (const key of Object.keys(changes)) delete changes[key];
    for (const c of controls) c.show();
    schedule();
    document.querySelector("#sliders input").focus();
  });

  // --- Showing the result --------------------------------------------------------------------

  const rows = Array.from(document.querySelectorAll("#numbers tr[data-line]"));
  /// The cells as the report wrote them.
  const asPlanned = rows.map((row) => Array.from(row.querySelectorAll("td"), (cell) => Array.from(cell.childNodes)));
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
      showCharts(result);
      const first = Math.max(data.arms.findIndex((a) => a.name === data.decided), 0);
      said.textContent = fill(words.status, { arm: data.arms[first].title,
        value: moneyShort(result.arms[first].npv.value), chance: chance(result.arms[first].probability_npv_positive) });
    } else {
      rows.forEach((row, i) => row.querySelectorAll("td").forEach((cell, k) => cell.replaceChildren(...asPlanned[i][k])));
      said.textContent = words.atPlan;
    }
    for (const { still, live } of moving) {
      for (const part of still) part.hidden = on;
      live.hidden = !on;
    }
    document.getElementById("results").setAttribute("aria-busy", "false");
  }

  function showTable(result) {
    rows.forEach((row) => {
      if (row.classList.contains("stays")) return;
      row.querySelectorAll("td").forEach((cell, k) => {
        const line = row.dataset.line.split(".").reduce((v, part) => (v == null ? null : v[part]), result.arms[k]);
        const [value, interval] = shown(row.dataset.kind, line);
        if (line == null) return cell.replaceChildren(make("span", {}, value));
        const { value: number, lower, upper } = typeof line === "number" ? { value: line } : line;
        const parts = [make("data", { value: number, "data-lower": lower, "data-upper": upper }, value)];
        if (interval !== null) parts.push(" ", make("span", { class: "interval" }, `(${interval})`));
        cell.replaceChildren(...parts);
      });
    });
  }

  // --- Charts --------------------------------------------------------------------------------

  const INK = "#1f2933", GREY = "#52606d", RULE = "#7b8794", GRID = "#dde2e7", LOW = "#e69f00", HIGH = "#0072b2";
  const DASHES = ["", "8 4", "2 3", "10 3 2 3", "5 2", "1 4", "12 4"];

  function label(x, y, text, options) {
    const { anchor = "start", size = 13, color = INK, bold = false } = options || {};
    return draw("text", { x, y, "text-anchor": anchor, "font-size": size, fill: color, "font-weight": bold ? 700 : 400 }, text);
  }
  const line = (x1, y1, x2, y2, color, width = 1, dash = "") => draw("line", { x1, y1, x2, y2, stroke: color, "stroke-width": width, "stroke-dasharray": dash });
  const path = (points) => points.map(([x, y], i) => (i ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1)).join("");
  const short = (text, most) => (Array.from(text).length > most ? Array.from(text).slice(0, most - 1).join("") + "…" : text);

  function ticks(low, high, about) {
    const rough = (high - low) / about, unit = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = unit * ([1, 2, 5].find((m) => m * unit >= rough) || 10), out = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) out.push(Math.abs(v) < step / 2 ? 0 : v);
    return { values: out, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  function magnitude(largest) {
    if (largest >= 5e9) return [1e9, words.billion];
    if (largest >= 5e6) return [1e6, words.million];
    if (largest >= 5e3) return [1e3, words.thousand];
    return [1, ""];
  }

  function svg(height, title) {
    const root = draw("svg", { viewBox: `0 0 800 ${height}`, width: 800, height, role: "img", "aria-label": title });
    root.append(draw("title", {}, title));
    return root;
  }

  function put(name, title, about, picture) {
    const chart = moving.find((m) => m.name === name);
    if (!chart) return;
    const scroll = make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": title }, picture);
    chart.live.replaceChildren(make("p", { class: "chart-title" }, title), make("p", { class: "chart-about" }, about), scroll);
  }

  function showCharts(result) {
    cash(result);
    tornado(result);
    acceptability(result);
  }

  const levelWords = () => percent(data.level);

  function cash(result) {
    const arms = data.arms.length, across = arms === 1 ? 1 : arms <= 4 ? 2 : 3, down = Math.ceil(arms / across);
    const left = 64, gap = 22, head = 46, plot = 190, foot = 40;
    const width = (800 - left - 16 - (across - 1) * gap) / across, height = down * (head + plot + foot);
    const all = result.cashflow.flat().flatMap((m) => [m.cumulative, m.cumulative_lower, m.cumulative_upper]).filter((v) => v != null).concat(0);
    const least = Math.min(...all), most = Math.max(...all), room = (most - least || 1) * 0.04;
    const [factor, name] = magnitude(Math.max(-least, most));
    const title = words.cash + ", " + (name ? name + " " : "") + data.currency, root = svg(height, title);
    const scale = ticks((least - room) / factor, (most + room) / factor, 5);
    result.cashflow.forEach((months, k) => {
      const x0 = left + (k % across) * (width + gap), y0 = Math.floor(k / across) * (head + plot + foot) + head;
      const last = months.length - 1, x = (m) => x0 + (width * m) / Math.max(last, 1);
      const y = (v) => y0 + plot - (plot * (v - (least - room))) / (most - least + 2 * room);
      const color = data.arms[k].color, at = result.arms[k].payback_months, end = months[last];
      const interval = range(end.cumulative_lower, end.cumulative_upper, moneyShort);
      const value = moneyShort(end.cumulative) + (interval ? ` (${interval})` : "");
      const note = at === null ? fill(words.cashNote, { value, last }) : fill(words.cashNotePayback, { month: at, value, last });
      root.append(label(x0, y0 - 28, short(data.arms[k].title, Math.floor(width / 8)), { bold: true }));
      root.append(label(x0, y0 - 11, short(note, Math.floor(width / 5.4)), { size: 10.5, color: GREY }));
      for (const v of scale.values) {
        root.append(line(x0, y(v * factor), x0 + width, y(v * factor), v === 0 ? RULE : GRID, v === 0 ? 1.5 : 1));
        if (k % across === 0) root.append(label(x0 - 8, y(v * factor) + 4, fixed(v, scale.decimals), { anchor: "end", size: 11.5, color: GREY }));
      }
      const band = (low, high, opacity) => {
        const points = months.filter((m) => low(m) != null && high(m) != null);
        const outline = points.map((m) => [x(m.month), y(low(m))]).concat(points.map((m) => [x(m.month), y(high(m))]).reverse());
        if (points.length > 1) root.append(draw("path", { d: path(outline) + "Z", fill: color, "fill-opacity": opacity }));
      };
      band((m) => m.cumulative_lower, (m) => m.cumulative_upper, 0.16);
      band((m) => m.fan.p25, (m) => m.fan.p75, 0.24);
      root.append(draw("path", { d: path(months.map((m) => [x(m.month), y(m.cumulative)])), fill: "none", stroke: color, "stroke-width": 2.5 }));
      if (at !== null) root.append(draw("circle", { cx: x(at), cy: y(months[at].cumulative), r: 4.5, fill: "#ffffff", stroke: color, "stroke-width": 2.5 }));
      const step = [1, 2, 3, 6, 12, 24, 60, 120].find((s) => last / s <= 8) || 240;
      for (let m = 0; m <= last; m += step) root.append(label(x(m), y0 + plot + 16, String(m), { anchor: "middle", size: 11.5, color: GREY }));
      root.append(label(x0 + width / 2, y0 + plot + 32, words.months, { anchor: "middle", size: 11, color: GREY }));
    });
    put("cash", title, fill(words.cashAbout, { level: levelWords() }), root);
  }

  function tornado(result) {
    const first = Math.max(data.arms.findIndex((a) => a.name === data.decided), 0), arm = data.arms[first];
    const bars = result.tornado.filter((r) => r.arm === arm.name).slice(0, 12), base = result.arms[first].npv.value;
    const ends = bars.flatMap((b) => [b.npv_low, b.npv_high]).concat(base, 0);
    const least = Math.min(...ends), most = Math.max(...ends), [factor, name] = magnitude(Math.max(-least, most));
    const left = 250, right = 620, rowHeight = 38, top = 14, height = top + bars.length * rowHeight + 44;
    const title = fill(words.tornado, { arm: arm.title }), root = svg(height, title);
    const x = (v) => left + ((right - left) * (v - least)) / (most - least || 1);
    const scale = ticks(least / factor, most / factor, 5), bottom = top + bars.length * rowHeight;
    for (const v of scale.values) {
      root.append(line(x(v * factor), top, x(v * factor), bottom, v === 0 ? RULE : GRID, v === 0 ? 1.5 : 1));
      root.append(label(x(v * factor), bottom + 16, fixed(v, scale.decimals), { anchor: "middle", size: 11.5, color: GREY }));
    }
    bars.forEach((bar, i) => {
      const y = top + i * rowHeight + rowHeight / 2, share = bar.unit.startsWith("share"), by = share ? 100 : 1;
      const show = (v) => (v === null ? words.noEnd : general(Number((v * by).toPrecision(3))));
      const span = fill(words.to, { low: show(bar.low), high: show(bar.high) }) + (share ? " %" : " " + bar.unit);
      root.append(label(0, y - 3, short(data.labels[bar.key] || bar.key, 34)), label(0, y + 12, short(span, 46), { size: 10.5, color: GREY }));
      for (const [end, color, half] of [[bar.npv_low, LOW, 10], [bar.npv_high, HIGH, 7]]) {
        root.append(draw("rect", { x: Math.min(x(base), x(end)), y: y - half, width: Math.abs(x(end) - x(base)), height: 2 * half, fill: color }));
      }
      root.append(label(634, y + 4, fill(words.to, { low: moneyShort(bar.npv_low), high: moneyShort(bar.npv_high) }), { size: 10, color: GREY }));
    });
    root.append(line(x(base), top, x(base), bottom, INK, 1.5));
    root.append(label((left + right) / 2, bottom + 34, (name ? name + " " : "") + data.currency, { anchor: "middle", size: 11, color: GREY }));
    put("tornado", title, fill(words.tornadoAbout, { value: moneyShort(base) }), root);
  }

  function acceptability(result) {
    const points = result.choice.acceptability, most = points.reduce((m, p) => Math.max(m, p.value), 0);
    const options = [null].concat(data.arms.map((a) => a.name));
    const legend = Math.ceil(options.length / 2) * 20, left = 56, right = 784, top = legend + 14, bottom = top + 260, root = svg(bottom + 48, words.acceptability);
    const x = (v) => left + ((right - left) * v) / (most || 1), y = (p) => bottom - (bottom - top) * p;
    for (const p of [0, 0.25, 0.5, 0.75, 1]) root.append(line(left, y(p), right, y(p), GRID), label(left - 8, y(p) + 4, percentWith(p, 0), { anchor: "end", size: 11.5, color: GREY }));
    const scale = ticks(0, most || 1, 8);
    for (const v of scale.values) root.append(label(x(v), bottom + 17, fixed(v, scale.decimals), { anchor: "middle", size: 11.5, color: GREY }));
    root.append(label((left + right) / 2, bottom + 36, data.currency, { anchor: "middle", size: 11, color: GREY }));
    const own = result.choice.value_of_contact;
    if (own !== null && own <= most) root.append(line(x(own), top, x(own), bottom, RULE, 1.5, "4 4"));
    options.forEach((option, k) => {
      const color = k ? data.arms[k - 1].color : GREY, dash = DASHES[k % DASHES.length];
      const own = points.filter((p) => p.arm === option).map((p) => [x(p.value), y(p.probability)]);
      const lx = left + (k % 2) * 360, ly = 14 + Math.floor(k / 2) * 20;
      root.append(line(lx, ly - 4, lx + 34, ly - 4, color, 2.5, dash), label(lx + 42, ly, short(k ? titleOf(option) : words.noRollout, 40)));
      if (own.length) root.append(draw("path", { d: path(own), fill: "none", stroke: color, "stroke-width": 2.5, "stroke-dasharray": dash }));
    });
    put("acceptability", words.acceptability, own === null ? "" : fill(words.acceptabilityAbout, { value: money(own) }), root);
  }

  build();
  document.querySelector("main").before(badge);
  document.getElementById("results").append(said);
  document.body.classList.add("live");
})();
