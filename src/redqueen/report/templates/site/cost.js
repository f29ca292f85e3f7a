// What robustness costs.
"use strict";

// Each submission a point with its interval; the frontier joins those that none beats at lower cost.
function drawCost(figure, points) {
  const width = widthOf(figure);
  const height = width > 700 ? 360 : 300;
  const box = {left: 44, top: 14, right: width - (width > 700 ? 150 : 20), bottom: height - 46};
  for (const old of figure.querySelectorAll("svg.plot, p.sub")) old.remove();
  if (!points.length) {
    figure.append(element("p", {class: "sub"}, "No submission that is shown says what it cost."));
    return;
  }
  const logs = points.map(point => Math.log10(point.cost));
  const lows = points.map(point => point.ends[1] ?? point.ends[0]);
  const floor = Math.min(0.4, Math.floor(10 * Math.min(...lows)) / 10);
  const x = linear(
    Math.floor(2 * Math.min(...logs) - 0.2) / 2,
    Math.ceil(2 * Math.max(...logs) + 0.2) / 2,
    box.left,
    box.right,
  );
  const y = linear(floor, 1, box.bottom, box.top);
  const svg = element("svg", {
    class: "plot k0",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `Cost against AUROC of ${points.length} submissions; both stand in the table of all submissions.`,
  });
  yAxis(svg, box, y, floor);
  for (let power = Math.floor(Math.min(...logs)); power <= Math.max(...logs) + 1; power += 1) {
    for (const part of [1, 3]) {
      const at = power + Math.log10(part);
      if (x(at) >= box.left && x(at) <= box.right) tickAt(svg, x(at), box, (part * 10 ** power).toLocaleString("en"));
    }
  }
  svg.append(
    element(
      "text",
      {class: "note", x: box.right, y: box.bottom + 38, "text-anchor": "end"},
      "pictures shown in training (logarithmic)",
    ),
  );
  const best = frontier(points);
  if (best.length > 1)
    svg.append(
      element("path", {class: "line faint", d: path(best.map(point => [x(Math.log10(point.cost)), y(point.ends[0])]))}),
    );
  let least = -Infinity;
  for (const point of [...points].sort((a, b) => b.ends[0] - a.ends[0])) {
    const left = x(Math.log10(point.cost));
    const top = y(point.ends[0]);
    const on = best.includes(point);
    if (point.ends[1] !== null)
      svg.append(element("path", {class: "reach", d: `M${left} ${y(point.ends[1])}V${y(point.ends[2])}`}));
    svg.append(
      element(
        "path",
        {class: on ? "solid" : "mark", d: MARKS[0], transform: `translate(${left} ${top})`},
        element("title", {}, `${point.name}: ${spelled(point.ends)}, ${point.cost.toLocaleString("en")} pictures`),
      ),
    );
    if (points.length <= 30) {
      const at = Math.max(top, least + 14);
      least = at;
      const turn = left > box.right - 40 && width < 700;
      svg.append(
        element(
          "text",
          {class: "name", x: left + (turn ? -9 : 9), y: at + 4, "text-anchor": turn ? "end" : "start"},
          short(point.name, 20),
        ),
      );
    }
  }
  figure.prepend(svg);
}

function frontier(points) {
  const found = [];
  for (const point of [...points].sort((a, b) => a.cost - b.cost || b.ends[0] - a.ends[0])) {
    if (!found.length || point.ends[0] > found.at(-1).ends[0]) found.push(point);
  }
  return found;
}
