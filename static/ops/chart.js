// Small SVG charts, each with its numbers as text.

import { make, setText } from "../view.js";
import { computeExtent, findChanges, SPAN_MS, splitRuns, trimPoints } from "./series.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 80;
const EDGE = 3;
/** The shortest time span of a chart, so that a short history is visible. */
const SHORTEST_MS = 2 * 60_000;
const DASH = "–";

/** Makes an SVG element with these attributes. */
export function makeSvg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children);
  return element;
}

/**
 * One chart. `lines` are up to three [member, label]; `format` makes a text of a value; `bands` are
 * the texts of the states 0, 1, ... if the chart shows states.
 */
export class Chart {
  #lines;
  #bands;
  #format;
  #title;
  #drawing;
  #paths;
  #marks;
  #values;
  #begin;

  constructor({ title, note = "", lines, format = String, bands = null }) {
    this.#title = title;
    this.#lines = lines;
    this.#bands = bands;
    this.#format = bands ? (value) => bands[value] : format;
    this.#marks = makeSvg("path", { class: "mark" });
    this.#paths = lines.map((_, index) => makeSvg("path", { class: chooseClass(index, bands) }));
    this.#drawing = makeSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none", role: "img" },
    makeSvg("path", { class: "grid", d: buildGrid() }), this.#marks, ...this.#paths);
    this.#values = lines.map(() => ({ now: make("dd", "now"), range: make("dd", "hint range") }));
    this.#begin = make("span", "");
    this.element = make("figure", "chart",
      make("figcaption", "", make("h3", "", title), make("p", "hint", note)),
      make("dl", "values", ...lines.map(([, label], index) => make("div", "",
        make("dt", "", makeKey(index, bands), label), this.#values[index].now,
        this.#values[index].range))),
      this.#drawing,
      make("p", "axis hint", this.#begin, make("span", "", "now")));
  }

  /** Shows the points up to this time. */
  show(points, now) {
    const shown = trimPoints(points, now);
    const span = Math.min(SPAN_MS, Math.max(SHORTEST_MS, now - (shown[0]?.at ?? now)));
    const extents = this.#lines.map(([member]) => computeExtent(shown, member));
    const top = this.#bands ? this.#bands.length - 1
      : Math.max(...extents.map(({ highest }) => highest ?? 0)) || 1;
    const x = (at) => round(WIDTH * (1 - (now - at) / span));
    const y = (value) => round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value / top);
    this.#lines.forEach(([member], index) => {
      const path = splitRuns(shown, member).map((run) => (this.#bands ? buildBand(run, x, y)
        : buildLine(run, x, y))).join("");
      this.#paths[index].setAttribute("d", path);
    });
    this.#marks.setAttribute("d", findChanges(shown).map((at) => `M${x(at)} 0V${HEIGHT}`).join(""));
    this.#drawing.dataset.points = shown.length;
    this.#showValues(extents, span);
  }

  #showValues(extents, span) {
    const begin = `${Math.round(span / 60_000)} min`;
    const said = extents.map(({ now, lowest, highest }, index) => {
      const [present, from, to] = [now, lowest, highest]
        .map((value) => (value === null ? DASH : this.#format(value)));
      setText(this.#values[index].now, present);
      setText(this.#values[index].range, highest === null ? "nothing yet"
        : this.#bands ? `at worst ${to}` : `${from} to ${to}`);
      const range = this.#bands ? `at worst ${to}` : `lowest ${from}, highest ${to}`;
      return `${this.#lines[index][1]} now ${present}, ${range}`;
    });
    setText(this.#begin, `${begin} ago`);
    this.#drawing.setAttribute("aria-label",
      `${this.#title}, the last ${begin}: ${said.join("; ")}.`);
  }
}

/** Makes the sample of a line for the legend. */
function makeKey(index, bands) {
  return makeSvg("svg", { class: "key", viewBox: "0 0 24 8", "aria-hidden": "true" },
    makeSvg("path", { class: chooseClass(index, bands), d: "M0 4H24" }));
}

function chooseClass(index, bands) {
  return bands ? "line band" : `line line-${index}`;
}

function buildGrid() {
  return [EDGE, HEIGHT / 2, HEIGHT - EDGE].map((y) => `M0 ${y}H${WIDTH}`).join("");
}

function buildLine(run, x, y) {
  const [[first, value], ...rest] = run;
  const begin = `M${x(first)} ${y(value)}`;
  return rest.length ? begin + rest.map(([at, found]) => `L${x(at)} ${y(found)}`).join("")
    : `${begin}h-3`; // a single point would be invisible
}

/** Builds a band whose height is the state; a state lasts until the next point. */
function buildBand(run, x, y) {
  const [[first, value], ...rest] = run;
  const top = rest.map(([at, found]) => `H${x(at)}V${y(found)}`).join("");
  return `M${x(first)} ${y(0)}V${y(value)}${top}h2V${y(0)}Z`;
}

function round(number) {
  return Math.round(number * 10) / 10;
}
