// The changes from one sample of the status to the next, for half an hour. Pure functions.

export const SPAN_MS = 30 * 60_000;
/** The most points; one every two seconds is fewer. */
export const MOST_POINTS = 1000;
/** A longer time between two points interrupts the line. */
const GAP_MS = 10_000;

const MINUTE_MS = 60_000;
const STATES = ["closed", "half_open", "open"];

/** Finds by how much each counter rose; if one is lower than before, all were reset to 0. */
export function findRises(before, after) {
  const anew = Object.entries(before).some(([name, count]) => (after[name] ?? 0) < count);
  return Object.fromEntries(Object.entries(after)
    .map(([name, count]) => [name, anew ? count : count - (before[name] ?? 0)]));
}

/**
 * Computes the value below which this share of the measurements lies, or null without any. Within a
 * bucket they are assumed to be uniform; beyond the last bound that bound is returned. `counts` has
 * the number within each bound, and last the total.
 */
export function computeQuantile(share, bounds, counts) {
  const all = counts.at(-1);
  if (!all) {
    return null;
  }
  const rank = share * all;
  const at = counts.findIndex((count) => count >= rank);
  if (at >= bounds.length) {
    return bounds.at(-1);
  }
  const [from, below] = at ? [bounds[at - 1], counts[at - 1]] : [0, 0];
  return from + (bounds[at] - from) * (rank - below) / (counts[at] - below);
}

/** Builds a point of the charts from a sample and the one before; null is unknown. */
export function buildPoint(before, after, now) {
  const { sessions, breaker, spill } = after;
  return {
    at: now,
    stage: after.migration?.stage ?? after.stage,
    conversations: sessions?.["chat:session"] ?? null,
    sessions: sessions ? sum(Object.values(sessions)) : null,
    breaker: Math.max(...Object.values(breaker).map((state) => STATES.indexOf(state))),
    spill: spill ? spill.backlog ?? null : 0,
    unsent: after.unsent,
    ...compareSamples(before, after),
  };
}

function compareSamples(before, after) {
  const seconds = before ? (after.at - before.at) / 1000 : 0;
  if (!(seconds > 0)) {
    return { requests: null, missing: null, errors: null, p50: null, p95: null,
      compared: 0, lag: 0, mismatched: 0 };
  }
  const answers = Object.entries(findRises(before.answers, after.answers));
  const rate = (wanted) => sum(answers.filter(([status]) => wanted(status))
    .map(([, count]) => count)) / seconds;
  const within = Object.values(findRises(before.seconds.counts, after.seconds.counts));
  const { compared, lag, mismatched } = findRises(before.copies, after.copies);
  return {
    requests: rate(() => true),
    missing: rate((status) => status === "404"),
    errors: rate((status) => status.startsWith("5")),
    p50: toMilliseconds(computeQuantile(0.5, after.seconds.bounds, within)),
    p95: toMilliseconds(computeQuantile(0.95, after.seconds.bounds, within)),
    compared, lag, mismatched,
  };
}

/** Picks what the next point needs of a sample. */
export function pickEssence({ at, answers, seconds, copies }) {
  return { at, answers, seconds, copies };
}

/** Keeps the recent points, at most so many. */
export function trimPoints(points, now) {
  return points.filter(({ at }) => at > now - SPAN_MS && at <= now).slice(-MOST_POINTS);
}

/** Replaces these members by their sums over the last minute. */
export function sumOverMinutes(points, keys) {
  const sums = Object.fromEntries(keys.map((key) => [key, 0]));
  let first = 0;
  return points.map((one) => {
    keys.forEach((key) => { sums[key] += one[key]; });
    for (; points[first].at <= one.at - MINUTE_MS; first += 1) {
      keys.forEach((key) => { sums[key] -= points[first][key]; });
    }
    return { ...one, ...sums };
  });
}

/** Splits a line into runs, at unknown values and at gaps between samples. */
export function splitRuns(points, key) {
  const found = [];
  let last = null;
  for (const one of points) {
    const goes = last && last[key] !== null && one.at - last.at <= GAP_MS;
    if (one[key] !== null) {
      if (goes) {
        found.at(-1).push([one.at, one[key]]);
      } else {
        found.push([[one.at, one[key]]]);
      }
    }
    last = one;
  }
  return found;
}

/** Computes the last, lowest and highest value of a line; null is unknown. */
export function computeExtent(points, key) {
  const known = points.map((one) => one[key]).filter((value) => value !== null);
  return {
    now: points.at(-1)?.[key] ?? null,
    lowest: known.length ? Math.min(...known) : null,
    highest: known.length ? Math.max(...known) : null,
  };
}

/** Finds the times at which the stage changed. */
export function findChanges(points) {
  return points.filter(({ stage }, index) => index && stage !== points[index - 1].stage)
    .map(({ at }) => at);
}

function toMilliseconds(seconds) {
  return seconds === null ? null : seconds * 1000;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
