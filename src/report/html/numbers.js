// Numbers as people read them: src/number.rs in JavaScript, and the lines of the table in words.
"use strict";
const pilotNumbers = (data) => {
  const words = data.words;
  const fill = (text, gaps) => text.replace(/\{(\w+)\}/g, (all, name) => (name in gaps ? String(gaps[name]) : all));

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
    if (share < 0.001) return fill(words.under, { limit: percentWith(0.001, 1) });
    if (share > 0.999) return fill(words.over, { limit: percentWith(0.999, 1) });
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
    if (line == null) return [UNKNOWN, null];
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
      return: (v) => (v < -1 ? words.spending.losesMore : percent(v)),
      month: (v) => fixed(v, 0),
    }[kind];
    if (kind === "month" && lower != null && upper == null) {
      return [value === null ? words.noPayback : show(value), fill(words.monthsOpen, { lower: show(lower) })];
    }
    const said = value === null ? words.noPayback : show(value);
    const alike = (end) => (end == null ? value == null : show(end) === said);
    return [said, alike(lower) && alike(upper) ? null : range(lower, upper, show)];
  }

  return { fill, fixed, general, percent, percentWith, chance, money, moneyShort, range, shown };
};
