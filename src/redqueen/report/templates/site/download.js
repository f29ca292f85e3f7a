// Downloads of a table as it is shown: its visible rows and columns, in their order.
"use strict";

const FORMULA = /^[=+\-@\t\r]/; // a spreadsheet would run it

// What is shown of a table: headings, and of each row its name, the words and the figures of its cells.
function shownOf(table, valueOf) {
  const heads = [...table.tHead.rows[0].cells].filter(one => !one.hidden);
  const rows = [...table.tBodies[0].rows].filter(row => !row.hidden);
  const columns = heads.map(head => ({key: head.dataset.key, title: titleOf(head), at: head.cellIndex}));
  return {
    columns,
    rows: rows.map(row =>
      columns.map(({key, at}) => ({
        text: textOf(row.cells[at]),
        value: key === "name" ? null : valueOf(Number(row.dataset.row), key),
      })),
    ),
  };
}

const titleOf = head => textOf(head, ", ").replace(/\s+/g, " ");

// The words of a cell, its lines set off; buttons and what is drawn left out.
function textOf(cell, between = " ") {
  if (cell.tagName === "TH" && cell.scope === "row") return cell.querySelector("a").textContent;
  const copy = cell.cloneNode(true);
  for (const small of copy.querySelectorAll("small")) small.before(between);
  for (const one of copy.querySelectorAll("svg, button.pin")) one.remove();
  return copy.textContent.trim();
}

const isFigure = value => Array.isArray(value) || typeof value === "number";

function asCsv({columns, rows}) {
  const wide = columns.map((column, at) => rows.some(row => Array.isArray(row[at].value)));
  const quoted = text => {
    const safe = FORMULA.test(text) ? `'${text}` : text;
    return /[",\n\r']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const head = columns.flatMap((column, at) =>
    wide[at] ? [column.title, `${column.title} low`, `${column.title} high`] : [column.title],
  );
  const lines = rows.map(row =>
    row.flatMap((cell, at) => {
      if (!wide[at]) return [typeof cell.value === "number" ? String(cell.value) : quoted(cell.text)];
      const ends = Array.isArray(cell.value) ? cell.value : [cell.value, null, null];
      return ends.map(one =>
        one === null || one === undefined ? "" : typeof one === "number" ? String(one) : quoted(one),
      );
    }),
  );
  return [head.map(quoted), ...lines].map(line => line.join(",")).join("\r\n") + "\r\n";
}

function asJson({columns, rows}, about) {
  const told = rows.map(row =>
    Object.fromEntries(
      columns.map(({key}, at) => {
        const {text, value} = row[at];
        return [
          key,
          Array.isArray(value) ? {value: value[0], low: value[1], high: value[2]} : isFigure(value) ? value : text,
        ];
      }),
    ),
  );
  return (
    JSON.stringify(
      {...about, columns: Object.fromEntries(columns.map(({key, title}) => [key, title])), rows: told},
      null,
      2,
    ) + "\n"
  );
}

const TEX = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "–": "--",
  "−": "$-$",
  "≥": "$\\geq$",
  "›": "$>$",
};
const tex = text => text.replace(/[\\~^–−≥›]|[&%$#_{}]/g, sign => TEX[sign] ?? `\\${sign}`);

function asTex({columns, rows}) {
  const line = cells => `${cells.map(tex).join(" & ")} \\\\`;
  return [
    `\\begin{tabular}{l${"r".repeat(columns.length - 1)}}`,
    "\\toprule",
    line(columns.map(one => one.title)),
    "\\midrule",
    ...rows.map(row => line(row.map(cell => cell.text))),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

function save(name, text, type) {
  const link = element("a", {download: name, href: URL.createObjectURL(new Blob([text], {type}))});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
