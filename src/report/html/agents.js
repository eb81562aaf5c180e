// Hours and agents: src/finance/staffing.rs and src/stats/erlang.rs in JavaScript.
"use strict";
const pilotAgents = (() => {
  const MOST_AGENTS = 1e6;

  function staffingOf(data, all, base, outcome, line) {
    const given = (name) => (all.has("staffing." + name) ? all.get("staffing." + name).base : null);
    const rates = data.pilot, perMinute = rates.control_minutes != null;
    if (![...all.keys()].some((key) => key.startsWith("staffing."))) return null;
    const [contacts, minutes] = sharesOf(data, base, outcome, perMinute);
    if (contacts === null || minutes === null) return null;
    const measured = perMinute && rates.control_contacts > 0 ? (60 * rates.control_minutes) / rates.control_contacts : null;
    const handling = given("handling_seconds") !== null ? given("handling_seconds") : measured > 0 ? measured : null;
    const yearly = perMinute ? (o) => o.yearlyPriced / 60 : (o) => (o.yearlyContacts * handling) / 3600;
    const hours = perMinute || handling !== null ? line(yearly) : null;
    const scaled = (l, by) => (l === null || by === null ? null
      : { value: l.value * by, lower: l.lower === null ? null : l.lower * by, upper: l.upper === null ? null : l.upper * by });
    const occupancy = given("occupancy"), shrinkage = given("shrinkage"), ofYear = given("hours_per_agent_year");
    const paid = scaled(hours, occupancy === null || shrinkage === null ? null : 1 / (occupancy * (1 - shrinkage)));
    return {
      hours_per_year: hours,
      paid_hours_per_year: paid,
      full_time_agents: scaled(paid, ofYear === null ? null : 1 / ofYear),
      contacts_avoided: contacts,
      minutes_avoided: minutes,
      agents: agentsOf(given, handling, contacts, minutes),
    };
  }

  /// Shares of contacts and of minutes avoided in the steady year; those of contacts where minutes are not known.
  function sharesOf(data, base, outcome, perMinute) {
    const { values, profile, time } = base, horizon = time.horizon, first = Math.max(horizon - 12, 0);
    let customers = values.units, exposed = 0, avoided = 0;
    for (let t = 0; t < horizon; t++) {
      customers = (t === 0 ? customers : customers * (1 - values.churn)) + values.newCustomers;
      if (t >= first) {
        exposed += customers * time.season[t];
        avoided += profile.avoided[t];
      }
    }
    const share = (perMonth, rate) => (exposed * rate > 0 ? (perMonth * avoided) / (exposed * rate) : null);
    const contacts = share(outcome.avoided.contacts, data.pilot.control_contacts);
    return [contacts, perMinute ? share(outcome.avoided.priced, data.pilot.control_minutes) : contacts];
  }

  /// How many agents cope, by Erlang C; null where they do not.
  function queueOf(traffic, agents, blocked) {
    if (agents <= traffic.load) return null;
    const occupancy = traffic.load / agents, waits = blocked / (1 - occupancy * (1 - blocked));
    const drain = (agents - traffic.load) / traffic.handling;
    return {
      agents, occupancy,
      mean_wait_seconds: (waits * traffic.handling) / (agents - traffic.load),
      level: (seconds) => 1 - waits * Math.exp(-drain * seconds),
    };
  }

  /// The first number of agents that `holds` accepts.
  function agentsFor(traffic, holds) {
    if (!(Number.isFinite(traffic.load) && traffic.load > 0)) return null;
    let inverse = 1;
    for (let n = 1; n <= MOST_AGENTS; n++) {
      inverse = 1 + (n / traffic.load) * inverse;
      const queue = queueOf(traffic, n, 1 / inverse);
      if (queue !== null && holds(queue)) return queue;
    }
    return null;
  }

  function agentsOf(given, handling, contacts, minutes) {
    const arrive = given("contacts_per_interval"), length = given("interval_minutes"), most = given("occupancy");
    const level = given("service_level"), seconds = given("answer_seconds"), service = level !== null && seconds !== null;
    if (arrive === null || length === null || handling === null || (most === null && !service)) return null;
    const traffic = (n, h) => ({ load: (n * h) / (length * 60), handling: h });
    const before = traffic(arrive, handling);
    const after = traffic(arrive * (1 - contacts), (handling * (1 - minutes)) / (1 - contacts));
    const holds = (q) => (most === null || q.occupancy <= most) && (!service || q.level(seconds) >= level);
    const needed = agentsFor(before, holds), fewer = agentsFor(after, holds);
    const same = needed === null ? null : agentsFor(after, (q) => q.agents === needed.agents);
    if (needed === null || fewer === null || same === null) return null;
    const staffed = ({ agents, occupancy, mean_wait_seconds, level: answered }) => ({
      agents, occupancy, mean_wait_seconds,
      positions: Math.ceil(agents / (1 - (given("shrinkage") || 0)) - 1e-9),
      service_level: service ? answered(seconds) : null,
    });
    return { before: staffed(needed), fewer_agents: staffed(fewer), lower_occupancy: staffed(same) };
  }

  return { staffingOf };
})();
