// The state in the page's address: whoever is given it sees the same.
"use strict";

function toAddress() {
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key === "falls") continue;
    if (key === "sort" ? value : String(value) !== String(DEFAULT[key]))
      said.set(
        key,
        key === "sort"
          ? `${value}.${state.falls ? "desc" : "asc"}`
          : typeof value === "boolean"
            ? Number(value)
            : String(value),
      );
  }
  const hash = String(said).replaceAll("%2C", ",").replaceAll("%3A", ":");
  if (hash !== location.hash.slice(1))
    history.replaceState(null, "", hash || !location.hash ? `#${hash}` : location.pathname + location.search);
}

function fromAddress() {
  const said = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const fresh = structuredClone(DEFAULT);
  const known = new Set(DATA.rows.map(row => row.id));
  const has = (selector, value) => every(`${selector} option`).some(one => one.value === value);
  for (const key of ["controls", "decays", "all"]) if (said.has(key)) fresh[key] = said.get(key) === "1";
  for (const key of ["metric", "view", "time", "by"])
    if (has(`select[name=${key}]`, said.get(key))) fresh[key] = said.get(key);
  if (said.has("q")) fresh.q = said.get("q");
  if (said.has("tiers"))
    fresh.tiers = said
      .get("tiers")
      .split(",")
      .filter(one => TIERS.includes(one));
  if (said.has("hide"))
    fresh.hide = said
      .get("hide")
      .split(",")
      .filter(key => DATA.tables.overview.columns.some(one => one.key === key));
  if (said.has("pins"))
    fresh.pins = said
      .get("pins")
      .split(",")
      .filter(id => known.has(id))
      .slice(0, MOST);
  const [, key, way] = /^(.*)\.(asc|desc)$/.exec(said.get("sort") ?? "") ?? [];
  if (key && (key === "name" || tables.some(one => one.places.has(key))))
    [fresh.sort, fresh.falls] = [key, way === "desc"];
  Object.assign(state, fresh);
  show();
}
