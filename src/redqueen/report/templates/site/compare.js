// Pinned submissions side by side, and their differences.
"use strict";

const headOf = (column, head) => [column.title, element("small", {}, find("small", head)?.textContent ?? "")];

function compareTable(pins) {
  const panel = find("#compare");
  panel.hidden = pins.length < 2;
  if (panel.hidden) return;
  const {rows, columns, heads} = tables[0];
  const shownColumns = columns.map((_, at) => at + 1).filter(at => !heads[at].hidden);
  const head = element("tr", {}, element("td"), ...pins.map(at => element("th", {scope: "col"}, DATA.rows[at].id)));
  const body = shownColumns.map(at =>
    element(
      "tr",
      {},
      element("th", {scope: "row", class: "name"}, ...headOf(columns[at - 1], heads[at])),
      ...pins.map(row => element("td", {}, ...rows[row].cells[at].cloneNode(true).childNodes)),
    ),
  );
  const said = DATA.pairs
    .filter(([high, low]) => pins.includes(high) && pins.includes(low))
    .map(([high, low, ...rest]) =>
      element(
        "li",
        {},
        `${DATA.rows[high].id} less ${DATA.rows[low].id}: ${spelled(rest)}, p = ${fixed(rest[3])} after Holm`,
      ),
    );
  find(".scroll", panel).replaceChildren(
    element("table", {class: "grid"}, element("thead", {}, head), element("tbody", {}, ...body)),
  );
  for (const old of every("ul, p", panel)) old.remove();
  panel.append(
    said.length
      ? element("ul", {}, ...said)
      : element("p", {class: "sub"}, "Their difference was not computed: it needs verified submissions with draws."),
  );
}
