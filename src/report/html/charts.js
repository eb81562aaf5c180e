// The charts of the business case, drawn anew as SVG in the style of src/report/chart. Each gives its
// title, what to read from it, and the picture.
"use strict";
const pilotCharts = (data, numbers) => {
  const words = data.words;
  const { fill, fixed, general, percent, percentWith, money, moneyShort, range } = numbers;
  const titleOf = (arm) => data.arms.find((a) => a.name === arm).title;

  function draw(tag, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

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
    const step = unit * ([1, 2, 2.5, 5].find((m) => m * unit >= rough * 0.999) || 10), out = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) out.push(Math.abs(v) < step / 2 ? 0 : v);
    let decimals = 0;
    while (decimals < 10 && Math.abs(step * Math.pow(10, decimals) - Math.round(step * Math.pow(10, decimals))) > 1e-6) decimals++;
    return { values: out, decimals };
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

  const levelWords = () => percent(data.level);

  function cash(result) {
    const arms = data.arms.length, across = arms === 1 ? 1 : arms <= 4 ? 2 : 3, down = Math.ceil(arms / across);
    const left = 64, gap = 22, head = 62, plot = 190, foot = 40;
    const width = (800 - left - 16 - (across - 1) * gap) / across, height = down * (head + plot + foot);
    const all = result.cashflow.flat().flatMap((m) => [m.cumulative, m.cumulative_lower, m.cumulative_upper]).filter((v) => v != null).concat(0);
    const least = Math.min(...all), most = Math.max(...all), room = (most - least || 1) * 0.04;
    const [factor, name] = magnitude(Math.max(-least, most));
    const title = words.cash.title + ", " + (name ? name + " " : "") + data.currency, root = svg(height, title);
    const scale = ticks((least - room) / factor, (most + room) / factor, 6);
    result.cashflow.forEach((months, k) => {
      const x0 = left + (k % across) * (width + gap), y0 = Math.floor(k / across) * (head + plot + foot) + head;
      const last = months.length - 1, x = (m) => x0 + (width * m) / Math.max(last, 1);
      const y = (v) => y0 + plot - (plot * (v - (least - room))) / (most - least + 2 * room);
      const color = data.arms[k].color, at = result.arms[k].payback_months, end = months[last];
      const interval = range(end.cumulative_lower, end.cumulative_upper, moneyShort);
      const value = moneyShort(end.cumulative) + (interval ? ` (${interval})` : "");
      const spendsNothing = result.arms[k].pv_spend.value === 0;
      const paidBack = spendsNothing ? words.cash.spendsNothing : at === null ? words.cash.noPayback : fill(words.cash.payback, { month: at });
      const notes = [paidBack, fill(words.cash.end, { value, last })];
      root.append(label(x0, y0 - 42, short(data.arms[k].title, Math.floor(width / 8)), { bold: true }));
      notes.forEach((note, i) => root.append(label(x0, y0 - 26 + 14 * i, short(note, Math.floor(width / 5)), { size: 10.5, color: GREY })));
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
      if (at !== null && !spendsNothing) root.append(draw("circle", { cx: x(at), cy: y(months[at].cumulative), r: 4.5, fill: "#ffffff", stroke: color, "stroke-width": 2.5 }));
      const step = [1, 2, 3, 6, 12, 24, 60, 120].find((s) => last / s <= 8) || 240;
      for (let m = 0; m <= last; m += step) root.append(label(x(m), y0 + plot + 16, String(m), { anchor: "middle", size: 11.5, color: GREY }));
      root.append(label(x0 + width / 2, y0 + plot + 32, words.months.axis, { anchor: "middle", size: 11, color: GREY }));
    });
    return { title, about: fill(words.cash.about, { level: levelWords() }), picture: root };
  }

  function tornado(result) {
    const first = Math.max(data.arms.findIndex((a) => a.name === data.decided), 0), arm = data.arms[first];
    const bars = result.tornado.filter((r) => r.arm === arm.name).slice(0, 12), base = result.arms[first].npv.value;
    const ends = bars.flatMap((b) => [b.npv_low, b.npv_high]).concat(base, 0);
    const least = Math.min(...ends), most = Math.max(...ends), [factor, name] = magnitude(Math.max(-least, most));
    const left = 320, right = 630, rowHeight = 38, top = 14, height = top + bars.length * rowHeight + 44;
    const title = fill(words.tornado, { arm: arm.title }), root = svg(height, title);
    const x = (v) => left + ((right - left) * (v - least)) / (most - least || 1);
    const scale = ticks(least / factor, most / factor, 5), bottom = top + bars.length * rowHeight;
    for (const v of scale.values) {
      root.append(line(x(v * factor), top, x(v * factor), bottom, v === 0 ? RULE : GRID, v === 0 ? 1.5 : 1));
      root.append(label(x(v * factor), bottom + 16, fixed(v, scale.decimals), { anchor: "middle", size: 11.5, color: GREY }));
    }
    bars.forEach((bar, i) => {
      const y = top + i * rowHeight + rowHeight / 2, share = bar.key in data.percents, by = share ? 100 : 1;
      const show = (v) => (v === null ? words.noEnd : general(Number((v * by).toPrecision(3))));
      const span = fill(words.to, { low: show(bar.low), high: show(bar.high) }) + (share ? " %" : " " + bar.unit);
      root.append(label(0, y - 3, short(data.labels[bar.key] || bar.key, 42)), label(0, y + 12, short(span, 62), { size: 10.5, color: GREY }));
      for (const [end, color, half] of [[bar.npv_low, LOW, 10], [bar.npv_high, HIGH, 7]]) {
        root.append(draw("rect", { x: Math.min(x(base), x(end)), y: y - half, width: Math.abs(x(end) - x(base)), height: 2 * half, fill: color }));
      }
      root.append(label(638, y + 4, fill(words.to, { low: moneyShort(bar.npv_low), high: moneyShort(bar.npv_high) }), { size: 10, color: GREY }));
    });
    root.append(line(x(base), top, x(base), bottom, INK, 1.5));
    root.append(label((left + right) / 2, bottom + 34, (name ? name + " " : "") + data.currency, { anchor: "middle", size: 11, color: GREY }));
    return { title, about: fill(words.tornadoAbout, { value: moneyShort(base), observed: moneyShort(result.arms[first].npv_observed_only.value) }), picture: root };
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
    return { title: words.acceptability, about: own === null ? "" : fill(words.acceptabilityAbout, { value: money(own) }), picture: root };
  }

  return { cash, tornado, acceptability, short, levelWords };
};
