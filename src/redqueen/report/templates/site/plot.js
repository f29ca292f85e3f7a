// What all drawings share: elements, scales and axes. Everything is built of elements, never of text with tags.
"use strict";

const CHANCE = 0.5;

const MARKS = [
  // a sign of its own for each of six lines, about a point
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  "M-3.6 -3.6H3.6V3.6H-3.6Z",
  "M0 -4.6L4.4 3.4H-4.4Z",
  "M0 -5L4.4 0L0 5L-4.4 0Z",
  "M0 4.6L4.4 -3.4H-4.4Z",
  "M-4.4 -1.6H-1.6V-4.4H1.6V-1.6H4.4V1.6H1.6V4.4H-1.6V1.6H-4.4Z",
];

function element(name, attributes = {}, ...inside) {
  const svg = ["svg", "g", "path", "line", "text", "title"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside.filter(one => one !== null));
  return made;
}

// Asked for once a width of the window: the browser lays everything out to answer.
const widths = new Map();

function widthOf(figure) {
  if (widths.get("window") !== innerWidth) {
    widths.clear();
    widths.set("window", innerWidth);
  }
  if (!widths.has(figure)) widths.set(figure, Math.max(280, figure.clientWidth));
  return widths.get(figure);
}

const fixed = (value, digits = 3) => (value === null || value === undefined ? "n/a" : value.toFixed(digits));
const spelled = ([value, low, high]) => `${fixed(value)} (${fixed(low)} to ${fixed(high)})`;

const monthName = month => `${Math.floor(month / 12)}-${String(Math.floor(month % 12) + 1).padStart(2, "0")}`;

const linear = (from, to, start, end) => value => start + ((value - from) / (to - from)) * (end - start);
const path = points => points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

const band = (upper, lower) => `${path(upper)}${path([...lower].reverse()).replace("M", "L")}Z`;

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function yAxis(svg, box, y, floor) {
  for (let tick = Math.round(10 * floor); tick <= 10; tick += 1) {
    const at = y(tick / 10);
    svg.append(
      element(
        "g",
        {class: "tick"},
        element("path", {d: `M${box.left} ${at}H${box.right}`}),
        element("text", {x: box.left - 8, y: at + 4, "text-anchor": "end"}, (tick / 10).toFixed(1)),
      ),
    );
  }
  svg.append(
    element("path", {class: "chance", d: `M${box.left} ${y(CHANCE)}H${box.right}`}),
    element("text", {class: "note", x: box.left + 6, y: y(CHANCE) - 5}, "chance"),
    element("text", {class: "note", x: box.left + 6, y: box.top + 10}, "AUROC"),
  );
}

function tickAt(svg, x, box, text) {
  svg.append(
    element(
      "g",
      {class: "tick"},
      element("path", {d: `M${x} ${box.bottom}v5`}),
      element("text", {x, y: box.bottom + 19, "text-anchor": "middle"}, text),
    ),
  );
  svg.append(element("path", {class: "axis", d: `M${box.left} ${box.bottom}H${box.right}`}));
}
