// The view of one sample of the status, built from elements and text only.

import { make, setText } from "../view.js";
import { RUNBOOK, STAGES } from "./runbook.js";

/** Workers report every second; after this time a worker counts as silent. */
const SILENT_SECONDS = 3;
const KINDS = {
  "chat:session": "conversations", state: "saved states", context: "contexts", tenant: "tenants",
};
const PARTS = {
  migration: "the wanted stage and the workers", sessions: "how many sessions there are",
};
const WORDS = { closed: "closed", half_open: "half open", open: "open" };

/** Shows the six stages with the present one marked; null if it is unknown. */
export function showSteps(place, present) {
  if (!place.children.length) {
    place.append(...STAGES.map((stage) => make("li", "", make("span", "name", stage),
      make("span", "here"))));
  }
  [...place.children].forEach((step, index) => {
    const here = STAGES[index] === present;
    if (here) {
      step.setAttribute("aria-current", "step");
    } else {
      step.removeAttribute("aria-current");
    }
    setText(step.querySelector(".here"), here ? "now" : "");
  });
}

/** Shows pairs of a name and a value; only the texts of existing elements change. */
export function showFacts(place, pairs) {
  if (place.children.length !== pairs.length) {
    place.replaceChildren(...pairs.map(() => make("div", "", make("dt", ""), make("dd", ""))));
  }
  pairs.forEach(([name, value], index) => {
    const [term, said] = place.children[index].children;
    setText(term, name);
    setText(said, value);
  });
}

/** Lists how sessions are served now. */
export function listServing(look) {
  const { breaker, spill, migration } = look;
  const backfill = migration?.backfill;
  return [
    ["Engine that serves", look.engine],
    ["Reads", look.reads.join(", on a miss ")],
    ["Writes", look.writes.join(", then ")],
    ["Stage", describeStage(look)],
    ["Breakers", `reads ${WORDS[breaker.read]}, writes ${WORDS[breaker.write]}`],
    ["Spill", describeSpill(spill)],
    ["Unsent copies", String(look.unsent)],
    ["Backfill", backfill?.number
      ? `number ${backfill.number}, ${backfill.done} of ${backfill.total} sessions`
      : migration ? "none was asked for" : "unknown"],
  ];
}

/** Lists the number of sessions by kind. */
export function listCounts({ sessions }) {
  return sessions
    ? Object.entries(sessions).map(([kind, count]) => [KINDS[kind] ?? kind, String(count)])
    : [["all kinds", "unknown"]];
}

/** Lists the problems that an operator should notice. */
export function listTroubles(look) {
  const found = [];
  if (look.unasked.length) {
    const what = look.unasked.map((member) => PARTS[member]).join(" and ");
    found.push(`The engine does not answer; unknown until then: ${what}.`);
  }
  if (look.degraded) {
    found.push(`Degraded: the breaker of ${listNotClosed(look.breaker)} is not closed, so the engine is left`
      + " alone until it answers.");
  }
  if (look.migration?.stage === null) {
    found.push(...look.migration.hindrances);
  } else if (look.migration && look.migration.stage !== look.stage) {
    found.push(`This process serves ${look.stage}, wanted is ${look.migration.stage}.`);
  }
  return [...found, ...look.warnings.map((warning) => `Warning: ${warning}.`)];
}

/** Lists what the runbook says of the present stage; nothing without a migration. */
export function listRunbook({ stage, migration }) {
  if (migration?.begun === false) {
    return [];
  }
  const { about, watch, goOn } = RUNBOOK[migration?.stage ?? stage];
  return [["In this stage", about], ["Watch", watch], ["Go on", goOn]]
    .filter(([, sentence]) => sentence);
}

/** Describes whether the next step is allowed, with its command, or why not. */
export function describeNextStep(migration) {
  if (!migration) {
    return { sentence: "Whether the next step is allowed is unknown: the engine does not answer." };
  }
  const { begun, next, hindrances } = migration;
  if (migration.stage === null) {
    return { sentence: "The next step is not allowed:", reasons: hindrances };
  }
  if (!begun) {
    return { sentence: "No migration was begun. It begins with", command: "begin" };
  }
  if (!next) {
    return { sentence: "This is the last stage. One step back is", command: "rollback" };
  }
  if (hindrances.length) {
    return { sentence: `The step to ${next} is not allowed now:`, reasons: hindrances };
  }
  return { sentence: `The step to ${next} is allowed:`, command: "advance" };
}

/** Shows a row for each worker; the rows of known workers are kept. */
export function showWorkers(place, reports, wanted) {
  const known = new Map([...place.children].map((row) => [row.dataset.key, row]));
  const names = [...place.closest("table").querySelectorAll("th")].map((th) => th.textContent);
  const rows = reports.map((report) => {
    const name = `${report.host}, process ${report.pid}`;
    const row = known.get(name) ?? buildRow(name, names);
    listCells(report, name, wanted).forEach((content, index) => setText(row.cells[index], content));
    row.classList.toggle("late", describeState(report, wanted) !== "follows");
    return row;
  });
  if (rows.length !== place.children.length
    || rows.some((row, index) => row !== place.children[index])) {
    place.replaceChildren(...rows);
  }
}

function buildRow(key, names) {
  const row = make("tr", "", ...names.map((name) => {
    const cell = make("td", "");
    cell.dataset.name = name;
    cell.setAttribute("role", "cell"); // which a block layout would remove
    return cell;
  }));
  row.setAttribute("role", "row");
  row.dataset.key = key;
  return row;
}

function listCells(report, name, wanted) {
  const cohort = report.cohort ? `, cohort ${report.cohort} %` : "";
  const { backfill } = report;
  return [
    name,
    `${report.stage}${cohort}`,
    describeState(report, wanted),
    `${Math.round(report.age_seconds)} s ago`,
    String(report.sessions),
    String(report.unsent),
    String(report.spilled),
    String(report.mismatches),
    `${report.lag} of ${report.compared}`,
    backfill.number ? `${backfill.done} of ${backfill.total}` : "none",
  ];
}

/** Describes the state of a worker in words, so that it does not depend on colour. */
function describeState(report, wanted) {
  if (report.fault) {
    return `does not follow: ${report.fault}`;
  }
  if (!report.follows) {
    return report.pinned ? `pinned, ${wanted} is wanted` : `behind, ${wanted} is wanted`;
  }
  if (report.age_seconds > SILENT_SECONDS) {
    return "silent";
  }
  return report.pinned ? "pinned" : "follows";
}

function describeStage({ stage, cohort, pinned, migration }) {
  const share = cohort ? `, ${cohort} % as in live` : "";
  const why = pinned ? "pinned by SESSION_STAGE"
    : migration?.begun === false ? "no migration was begun" : "not pinned";
  return `${stage}${share} (${why})`;
}

function describeSpill(spill) {
  if (!spill) {
    return "none is needed";
  }
  if (spill.unavailable) {
    return `cannot be read: ${spill.unavailable}`;
  }
  return spill.backlog ? `${spill.backlog} wait, the first for ${Math.round(spill.age_seconds)} s`
    : "empty";
}

function listNotClosed(breaker) {
  return Object.entries(breaker).filter(([, state]) => state !== "closed")
    .map(([direction]) => `${direction}s`).join(" and ");
}
