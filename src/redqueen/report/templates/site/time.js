// Robustness over time: what a detector scores as generators come out.
"use strict";

// The cells of one submission under a view: from the cutoff's own window on, each number two digits of base 36.
function cells(time, row, view) {
  const packed = time.cells[row][view] || "";
  const found = [];
  let at = 0;
  for (const cutoff of time.cutoffs)
    for (let window = cutoff; window < time.windows.length; window += 1, at += 6) {
      const thousandths = [0, 2, 4].map(step => parseInt(packed.slice(at + step, at + step + 2), 36));
      const ends = thousandths.map(one => (Number.isNaN(one) ? null : one / 1000));
      const [, start, end] = time.windows[window];
      if ((ends[0] ?? null) !== null)
        found.push({cutoff, window, middle: (start + end) / 2, age: (start + end) / 2 - time.windows[cutoff][2], ends});
    }
  return found;
}

// The points of one line, what is said of each, and for ages the fitted decay.
function series(time, row, view, mode) {
  const all = cells(time, row, view);
  const order = time.cutoffs;
  if (mode === "age") {
    return {
      points: all.filter(one => one.age > 0).map(one => ({x: one.age, ends: one.ends, said: saidOf(time, one)})),
      decay: decay(time, row, view),
    };
  }
  const chosen = all.filter(
    mode === "next"
      ? one => one.window === one.cutoff + 1 && order.includes(one.cutoff)
      : one => time.windows[one.cutoff][0] === mode,
  );
  return {
    points: chosen.map(one => ({x: one.middle, ends: one.ends, said: saidOf(time, one)})).sort((a, b) => a.x - b.x),
  };
}

function saidOf(time, one) {
  const known = one.window === one.cutoff ? ", the last it was trained on" : "";
  const cutoff = monthName(time.windows[one.cutoff][2] - 1);
  return `generators of ${time.windows[one.window][0]}${known}; trained up to ${cutoff}`;
}

// Skill, 2 AUROC - 1, that halves in a fixed time: AUROC by age, with the band of both intervals together.
function decay(time, row, view) {
  const found = time.decay[row][view];
  if (!found || !found.skill) return null;
  const at = (skill, half) => age =>
    skill === null ? null : Math.min(1, CHANCE + (skill / 2) * (half === null ? 1 : 2 ** (-age / half)));
  const [half, low, high] = found.months;
  const [skill, lowest, highest] = found.skill;
  const bounded = low !== null && lowest !== null && highest !== null;
  return {
    middle: at(skill, half),
    low: bounded ? at(lowest, low) : null,
    high: bounded ? at(highest, high) : null,
    half: found.seen ? half : null,
  };
}

function halfLife(time, row, view) {
  const found = time.decay[row][view];
  if (!found) return "no half-life";
  const [half, low, high] = found.months.map(one => (one === null ? null : Math.round(one)));
  if (found.seen && half !== null) return `half-life ${half} months (${low ?? "n/a"} to ${high ?? "n/a"})`;
  return low === null ? "no bound on its half-life" : `half-life at least ${low} months`;
}

// Robustness over time: one line, one sign and one name for each of `rows`.
function drawTime(figure, data, rows, view, mode) {
  const {time} = data;
  const width = widthOf(figure);
  const wide = width > 700;
  const height = wide ? 420 : 300;
  const right = wide ? 175 : 12;
  const box = {left: 44, top: 14, right: width - right, bottom: height - 46};
  const lines = rows.map(row => ({row, ...series(time, row, view, mode)}));
  const domain = mode === "age" ? ages(time) : [time.windows[0][1], time.windows.at(-1)[2]];
  const lows = lines.flatMap(line => line.points.map(point => point.ends[1] ?? 1));
  const floor = Math.min(0.4, Math.floor(10 * Math.min(0.4, ...lows)) / 10);
  const x = linear(...domain, box.left, box.right);
  const y = linear(floor, 1, box.bottom, box.top);
  const svg = element("svg", {
    class: "plot",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    tabindex: "0",
    "aria-label": summary(data, lines, view, mode),
  });
  yAxis(svg, box, y, floor);
  mode === "age" ? ageAxis(svg, box, x, domain) : dateAxis(svg, box, x, time, mode);
  lines.forEach((line, at) => svg.append(drawLine(line, at, x, y, domain, mode, lines.length === 1)));
  if (wide) names(svg, data, lines, box, x, y, domain, mode);
  const readout = element(
    "output",
    {class: "readout"},
    wide ? "Point at the figure, or press the arrow keys in it, to read a value." : "",
  );
  const list = element(
    "ul",
    {class: "key-list"},
    ...lines.map((line, at) => keyOf(data, line, at, halfLife(time, line.row, view))),
  );
  for (const old of figure.querySelectorAll("svg.plot, output, .key-list")) old.remove();
  figure.prepend(list, svg, readout);
  explore(svg, readout, lines, data, x, y, box);
}

function ages(time) {
  const last = Math.max(
    ...time.cutoffs.map(cutoff => (time.windows.at(-1)[1] + time.windows.at(-1)[2]) / 2 - time.windows[cutoff][2]),
  );
  return [0, Math.max(12, last + 2)];
}

function ageAxis(svg, box, x, [, last]) {
  const step = [3, 6, 12, 24, 60, 120].find(one => last / one <= (box.right - box.left) / 50);
  for (let age = 0; age <= last; age += step) tickAt(svg, x(age), box, String(age));
  svg.append(
    element(
      "text",
      {class: "note", x: box.right, y: box.bottom + 38, "text-anchor": "end"},
      "months from training cutoff to release",
    ),
  );
}

function dateAxis(svg, box, x, time, mode) {
  const [first, last] = [time.windows[0][1], time.windows.at(-1)[2]];
  const step = last - first > 30 ? 12 : last - first > 8 ? 3 : 1;
  for (let month = Math.ceil(first / step) * step; month <= last; month += step) {
    tickAt(svg, x(month), box, step === 12 ? String(month / 12) : monthName(month));
  }
  for (const cutoff of time.cutoffs) {
    const [name, , end] = time.windows[cutoff];
    if (end >= last || (mode !== "next" && name !== mode)) continue;
    svg.append(
      element(
        "path",
        {class: "cutoff", d: `M${x(end)} ${box.top}V${box.bottom}`},
        element("title", {}, `training up to ${monthName(end - 1)} ends`),
      ),
    );
    if (mode === name)
      svg.append(
        element("text", {class: "note", x: x(end) + 5, y: box.bottom - 8}, "not released when training ended →"),
      );
  }
  const said = time.nominal ? "nominal release date of the generators" : "release date of the generators";
  svg.append(
    element(
      "text",
      {class: "note", x: box.right, y: box.bottom + 38, "text-anchor": "end"},
      mode !== "next"
        ? said
        : box.right > 500
          ? `${said}; dashed: training cutoffs`
          : "release date; dashed: training cutoffs",
    ),
  );
}

function drawLine(line, at, x, y, domain, mode, alone) {
  const group = element("g", {class: `series k${at}`});
  const dots = line.points.map(point => [x(point.x), y(point.ends[0])]);
  if (mode === "age" && line.decay) {
    const months = Array.from({length: 61}, (_, step) => domain[0] + (step / 60) * (domain[1] - domain[0]));
    const curve = of => months.map(age => [x(age), y(of(age))]);
    if (line.decay.low)
      group.append(element("path", {class: "band", d: band(curve(line.decay.high), curve(line.decay.low))}));
    group.append(element("path", {class: "line", d: path(curve(line.decay.middle))}));
    const {half} = line.decay;
    if (half !== null && half <= domain[1])
      group.append(
        element(
          "path",
          {class: "solid", d: "M0 -7L6 0L0 7L-6 0Z", transform: `translate(${x(half)} ${y(line.decay.middle(half))})`},
          element("title", {}, "half of its skill is gone"),
        ),
      );
  } else if (mode !== "age") {
    const ended = line.points.filter(point => point.ends[1] !== null);
    if (ended.length > 1)
      group.append(
        element("path", {
          class: "band",
          d: band(
            ended.map(point => [x(point.x), y(point.ends[2])]),
            ended.map(point => [x(point.x), y(point.ends[1])]),
          ),
        }),
      );
    if (dots.length) group.append(element("path", {class: "line", d: path(dots)}));
  }
  if ((mode === "age" && alone) || line.points.length === 1)
    for (const point of line.points)
      if (point.ends[1] !== null)
        group.append(
          element("path", {class: "reach faint", d: `M${x(point.x)} ${y(point.ends[1])}V${y(point.ends[2])}`}),
        );
  for (const [left, top] of dots)
    group.append(
      element("path", {
        class: mode === "age" ? "mark faint" : "mark",
        d: MARKS[at],
        transform: `translate(${left.toFixed(1)} ${top.toFixed(1)})`,
      }),
    );
  return group;
}

// Names at the right end, moved apart where they would meet.
function names(svg, data, lines, box, x, y, domain, mode) {
  const placed = lines
    .map((line, at) => {
      const last = line.points.at(-1),
        end = mode === "age" && line.decay ? line.decay.middle(domain[1]) : last && last.ends[0];
      return {
        at,
        from: mode === "age" ? box.right : last ? x(last.x) : box.right,
        wish: end === undefined || end === null ? null : y(end),
        name: data.rows[line.row].id,
      };
    })
    .filter(one => one.wish !== null)
    .sort((a, b) => a.wish - b.wish);
  let least = box.top + 4;
  for (const one of placed) {
    one.y = Math.max(one.wish, least);
    least = one.y + 16;
  }
  let most = box.bottom - 2;
  for (const one of [...placed].reverse()) {
    one.y = Math.min(one.y, most);
    most = one.y - 16;
  }
  for (const one of placed) {
    svg.append(
      element(
        "g",
        {class: `k${one.at}`},
        element("path", {class: "faint line", d: `M${one.from + 7} ${one.wish}L${box.right + 10} ${one.y}`}),
        element("path", {class: "mark", d: MARKS[one.at], transform: `translate(${box.right + 16} ${one.y})`}),
        element("text", {class: "name", x: box.right + 25, y: one.y + 4}, short(one.name, 21)),
      ),
    );
  }
}

function keyOf(data, line, at, said) {
  const sign = element(
    "svg",
    {viewBox: "0 0 40 14", "aria-hidden": "true", class: `plot-key k${at}`},
    element("path", {class: "line", d: "M0 7H40"}),
    element("path", {class: "mark", d: MARKS[at], transform: "translate(20 7)"}),
  );
  sign.classList.add("plot");
  return element("li", {}, sign, element("b", {}, data.rows[line.row].id), element("span", {class: "sub"}, said));
}

function summary(data, lines, view, mode) {
  const how =
    mode === "age"
      ? "by months since training ended"
      : mode === "next"
        ? "in the period after each cutoff"
        : `trained up to ${mode}`;
  const each = lines.map(line => {
    const values = line.points.map(point => point.ends[0]);
    return values.length
      ? `${data.rows[line.row].id} from ${fixed(Math.min(...values), 2)} to ${fixed(Math.max(...values), 2)}`
      : `${data.rows[line.row].id} not measured`;
  });
  return `AUROC ${how}, pictures ${view}: ${each.join("; ")}. Arrow keys read single values.`;
}

// The value under the pointer, or with arrow keys: left and right along a line, up and down to another.
function explore(svg, readout, lines, data, x, y, box) {
  const all = lines.map(line => [...line.points].sort((a, b) => a.x - b.x));
  const cursor = element("path", {class: "cursor"});
  const focus = element("path", {class: "focus", d: MARKS[0]});
  let line = 0,
    place = -1;
  const show = () => {
    const point = all[line][place];
    if (!point) return;
    const left = x(point.x);
    const top = y(point.ends[0]);
    cursor.setAttribute("d", `M${left} ${box.top}V${box.bottom}`);
    focus.setAttribute("transform", `translate(${left} ${top}) scale(1.8)`);
    svg.append(cursor, focus);
    readout.textContent = `${data.rows[lines[line].row].id}: ${spelled(point.ends)}, ${point.said}`;
  };
  svg.addEventListener("pointermove", event => {
    const frame = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / frame.width;
    const [left, top] = [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
    let best = Infinity;
    all.forEach((points, of) =>
      points.forEach((point, at) => {
        const far = Math.hypot(x(point.x) - left, y(point.ends[0]) - top);
        if (far < best) [best, line, place] = [far, of, at];
      }),
    );
    show();
  });
  svg.addEventListener("keydown", event => {
    const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    if (!step || !all.length) return;
    event.preventDefault();
    line = (line + step[0] + all.length) % all.length;
    place = Math.min(Math.max(place + step[1], 0), all[line].length - 1);
    show();
  });
}
