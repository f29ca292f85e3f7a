// The leaderboard: one state; what is shown follows from it.
"use strict";

const DATA = window.REDQUEEN;
const MOST = 6; // that can be pinned
const FIRST = 30; // rows that are shown before one asks for all
const DRAWN = 5; // lines over time where nothing is pinned
const TIERS = ["claimed", "recomputed", "re-run", "hidden"];

const DEFAULT = {
  sort: "",
  falls: true,
  q: "",
  tiers: TIERS,
  controls: true,
  decays: false,
  metric: "auroc",
  view: "clean",
  time: "next",
  by: "",
  hide: [],
  pins: [],
  all: false,
};

const state = structuredClone(DEFAULT);
const find = (selector, inside = document) => inside.querySelector(selector);
const every = (selector, inside = document) => [...inside.querySelectorAll(selector)];
let tables = [];

function board() {
  DEFAULT.by = state.by = find("[name=by]").options[0]?.value ?? "";
  tables = every("table[data-table]").map(prepared);
  chooser();
  listen();
  fromAddress();
  addEventListener("hashchange", () => {
    if (/=|^$/.test(location.hash)) fromAddress();
  });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) {
      width = innerWidth;
      draw();
    }
  });
}

// A table with a button in each heading, and beside each name of the first one a button that pins it.
function prepared(table) {
  const name = table.dataset.table;
  const {columns} = DATA.tables[name];
  const rows = [...table.tBodies[0].rows];
  rows.forEach((row, at) => {
    row.dataset.row = at;
  });
  for (const head of table.tHead.rows[0].cells) {
    const button = element("button", {type: "button", class: "sort"}, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sortBy(head.dataset.key));
  }
  if (name === "overview")
    rows.forEach((row, at) => {
      const id = DATA.rows[at].id;
      const pin = element(
        "button",
        {type: "button", class: "pin", "aria-pressed": "false", "aria-label": `Pin ${id}`},
        "pin",
      );
      pin.addEventListener("click", () => togglePin(id));
      row.cells[0].prepend(pin);
    });
  const places = new Map(columns.map((column, at) => [column.key, at]));
  return {name, table, rows, columns, places, cells: DATA.tables[name].cells, heads: [...table.tHead.rows[0].cells]};
}

function chooser() {
  for (const {key, title, note} of DATA.tables.overview.columns) {
    const box = element("input", {type: "checkbox", value: key});
    box.addEventListener("change", () => {
      state.hide = every("#columns input")
        .filter(one => !one.checked)
        .map(one => one.value);
      show();
    });
    find("#columns").append(element("label", {}, box, ` ${title}${note ? `, ${note}` : ""}`));
  }
}

function listen() {
  const on = (selector, name, change) =>
    every(selector).forEach(one =>
      one.addEventListener(name, event => {
        change(event.target);
        show();
      }),
    );
  on("[name=q]", "input", one => {
    state.q = one.value;
  });
  on("[name=tier]", "change", () => {
    state.tiers = every("[name=tier]:checked").map(one => one.value);
  });
  on("[name=controls]", "change", one => {
    state.controls = one.checked;
  });
  on("[name=decays]", "change", one => {
    state.decays = one.checked;
  });
  on("#more", "click", () => {
    state.all = !state.all;
  });
  for (const name of ["metric", "view", "time", "by"])
    on(`select[name=${name}]`, "change", one => {
      state[name] = one.value;
    });
  find("#filters").addEventListener("submit", event => event.preventDefault());
  find("#filters").addEventListener("reset", event => {
    event.preventDefault();
    Object.assign(state, structuredClone(DEFAULT));
    show();
  });
  document.addEventListener("keydown", event => {
    const menu = find(".menu");
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      find("summary", menu).focus();
    }
  });
  document.addEventListener("click", event => {
    const menu = find(".menu");
    if (!menu.contains(event.target)) menu.open = false;
  });
  for (const link of every("nav a, a.skip"))
    link.addEventListener("click", event => {
      event.preventDefault(); // the address keeps the state
      const goal = find(link.getAttribute("href"));
      goal.tabIndex = -1;
      goal.focus({preventScroll: true});
      goal.scrollIntoView();
    });
  for (const button of every(".get button"))
    button.addEventListener("click", () => download(button.closest(".get").dataset.table, button.value));
}

function sortBy(key) {
  const column = tables.flatMap(one => one.columns).find(one => one.key === key);
  const falls = Boolean(column?.falls);
  if (state.sort !== key) [state.sort, state.falls] = [key, falls];
  else if (state.falls === falls) state.falls = !falls;
  else state.sort = ""; // a third click: the order of the board
  show();
}

function togglePin(id) {
  if (state.pins.includes(id)) state.pins = state.pins.filter(one => one !== id);
  else if (state.pins.length < MOST) state.pins = [...state.pins, id];
  else {
    find("#count").textContent = `No more than ${MOST} can be pinned.`;
    return;
  }
  show();
}

// What follows from the state.

// The figure of a cell as it is shown: of the chosen metric and pictures in the columns that follow them.
function valueOf(row, key) {
  if (key === "next") return DATA.metrics[state.metric]?.views[state.view]?.[row] ?? null;
  if (key === "half" && state.view !== "clean") {
    const found = DATA.time.decay[row][state.view];
    return found
      ? [found.seen ? found.months[0] : found.months[1], found.months[1], found.seen ? found.months[2] : null]
      : null;
  }
  const table = tables.find(one => one.places.has(key));
  return table ? table.cells[row][table.places.get(key)] : null;
}

function shown() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = DATA.rows
    .map((_, at) => at)
    .filter(at => {
      const row = DATA.rows[at],
        text = `${row.id} ${row.name} ${row.strategy} ${row.tier} ${row.control ? "control" : ""}`.toLowerCase();
      return (
        state.tiers.includes(row.tier) &&
        (state.controls || !row.control) &&
        (!state.decays || row.decays) &&
        words.every(word => text.includes(word))
      );
    });
  if (!state.sort) return rows;
  const of = at => {
    const value = state.sort === "name" ? DATA.rows[at].id : valueOf(at, state.sort);
    return Array.isArray(value) ? value[0] : value;
  };
  const keys = new Map(rows.map(at => [at, of(at)]));
  const way = state.falls ? -1 : 1;
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", {numeric: true}) : a - b);
  return rows.sort((a, b) => {
    const [one, other] = [keys.get(a), keys.get(b)]; // the unknown come last, either way
    if (one === null || other === null) return (one === null) - (other === null) || a - b;
    return way * compare(one, other) || a - b;
  });
}

function show() {
  const order = shown();
  const pinned = new Set(state.pins);
  const number = DATA.rows.findIndex.bind(DATA.rows);
  const first = state.pins.map(id => number(row => row.id === id));
  const rest = order.filter(at => !pinned.has(DATA.rows[at].id));
  const listed = [...first, ...rest];
  const limit = state.all ? Infinity : Math.max(FIRST, first.length);
  for (const one of tables) arrange(one, listed, limit, first.length);
  columns();
  figures(listed.slice(0, limit));
  controls(listed.length);
  toAddress();
  draw(listed);
  compareTable(first);
}

function arrange({table, rows, heads}, listed, limit, pins) {
  const seen = new Set(listed.slice(0, limit));
  rows.forEach((row, at) => {
    row.hidden = !seen.has(at);
  });
  const body = table.tBodies[0];
  const wished = [...seen].map(at => rows[at]);
  if (wished.some((row, at) => body.rows[at] !== row)) body.prepend(...wished);
  rows.forEach(row => row.classList.remove("pinned", "last-pinned"));
  wished.slice(0, pins).forEach((row, at) => row.classList.add("pinned", ...(at === pins - 1 ? ["last-pinned"] : [])));
  for (const head of heads) {
    if (head.dataset.key === state.sort) head.setAttribute("aria-sort", state.falls ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function columns() {
  const hidden = {overview: one => state.hide.includes(one.key), slices: one => one.group !== state.by};
  for (const one of tables)
    one.columns.forEach((column, at) => {
      const away = Boolean(hidden[one.name]?.(column));
      if (one.heads[at + 1].hidden === away) return;
      one.heads[at + 1].hidden = away;
      for (const row of one.rows) row.cells[at + 1].hidden = away;
    });
}

let figuresOf = "auroc clean";

function figures() {
  const wanted = `${state.metric} ${state.view}`;
  const {rows, places, heads} = tables[0];
  const metric = DATA.metrics[state.metric];
  if (wanted === figuresOf || !metric) return;
  figuresOf = wanted;
  find("small", heads[places.get("next") + 1]).textContent = `${metric.title}, ${state.view}`;
  find("small", heads[places.get("half") + 1]).textContent = state.view;
  rows.forEach((row, at) => {
    const value = valueOf(at, "next");
    const scale = metric.percent ? 100 : 1;
    const digits = metric.percent ? 1 : 3;
    const said = value && value.map(one => (one === null ? "n/a" : (scale * one).toFixed(digits)));
    row.cells[places.get("next") + 1].replaceChildren(
      ...(value
        ? [`${said[0]}${metric.percent ? " %" : ""}`, element("small", {}, `${said[1]}–${said[2]}`), bar(value)]
        : ["n/a"]),
    );
    const [words, , ends] = /^(?:half-life )?(.*?)(?: \((.*)\))?$/.exec(halfLife(DATA.time, at, state.view)) ?? [];
    const half = row.cells[places.get("half") + 1];
    half.replaceChildren(words.replace("at least", "≥"), element("small", {}, ends ?? ""));
  });
}

function bar([value, low, high]) {
  const at = figure => (Math.max(0, figure - 0.3) / 0.7) * 100; // as the page's own: from 0.3 to 1
  const reach =
    low === null || high === null ? null : element("path", {class: "reach", d: `M${at(low)} 6H${at(high)}`});
  const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [key, place] of [
    ["cx", at(value)],
    ["cy", 6],
    ["r", 3],
  ])
    dot.setAttribute(key, place);
  return element(
    "svg",
    {class: "bar", viewBox: "0 0 100 12", "aria-hidden": "true"},
    element("path", {class: "rail", d: "M0 6H100"}),
    element("path", {class: "half", d: `M${at(0.5)} 1V11`}),
    reach,
    dot,
  );
}

// Controls that say what the state is, and how many are shown.
function controls(count) {
  for (const name of ["metric", "view", "time", "by", "q"]) {
    const one = find(`[name=${name}]`);
    if (one && one.value !== state[name]) one.value = state[name];
  }
  for (const one of every("[name=tier]")) one.checked = state.tiers.includes(one.value);
  for (const [selector, key] of [
    ["[name=controls]", "controls"],
    ["[name=decays]", "decays"],
  ])
    find(selector).checked = state[key];
  for (const one of every("#columns input")) one.checked = !state.hide.includes(one.value);
  for (const one of every("button.pin")) {
    const pinned = state.pins.includes(DATA.rows[one.closest("tr").dataset.row].id);
    one.setAttribute("aria-pressed", pinned);
    one.textContent = pinned ? "pinned" : "pin";
  }
  const column = tables.flatMap(one => one.columns).find(one => one.key === state.sort);
  const title = state.sort === "name" ? "name" : column?.title;
  const way =
    column?.words || state.sort === "name"
      ? state.falls
        ? "last to first"
        : "first to last"
      : state.falls
        ? "highest first"
        : "lowest first";
  find("#count").textContent =
    `${count} of ${DATA.rows.length} submissions` +
    (title ? `, sorted by ${title.toLowerCase()}, ${way}` : "") +
    (state.pins.length ? `; ${state.pins.length} pinned.` : ".");
  find("#more").hidden = count <= FIRST;
  find("#more").textContent = state.all ? `Show the first ${FIRST}` : `Show all ${count}`;
}

let drawnRows = [];

function draw(listed = drawnRows) {
  drawnRows = listed;
  const candidates = listed.filter(at => !DATA.rows[at].control);
  const pins = listed.slice(0, state.pins.length);
  drawTime(
    find("#over-time"),
    DATA,
    pins.length ? pins : (candidates.length ? candidates : listed).slice(0, DRAWN),
    state.view,
    state.time,
  );
  const cost = listed.map(at => ({
    name: DATA.rows[at].id,
    cost: valueOf(at, "cost"),
    ends: DATA.metrics.auroc?.views[state.view]?.[at],
  }));
  drawCost(
    find("#cost-chart"),
    cost.filter((one, at) => one.cost && one.ends && !DATA.rows[listed[at]].control).slice(0, 200),
  );
}

function download(name, format) {
  const {table} = tables.find(one => one.name === name);
  const found = shownOf(table, valueOf);
  const file = `redqueen-${name}`;
  if (format === "csv") save(`${file}.csv`, asCsv(found), "text/csv");
  else if (format === "tex") save(`${file}.tex`, asTex(found), "application/x-tex");
  else
    save(
      `${file}.json`,
      asJson(found, {benchmark: DATA.board, digest: DATA.digest, address: location.hash}),
      "application/json",
    );
}

document.documentElement.classList.add("js");

board();
