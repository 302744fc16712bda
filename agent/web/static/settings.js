// Settings that are saved by themselves, and zones and a line drawn on the picture.
// Places are shares of the picture, 0..1; the drawing is 1000 wide and as high as the picture.

import { ask, tell } from "/static/page.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const STEP = 0.005;
const LARGE_STEP = 0.05;
const CORNER_PX = 8;
const FINGER_PX = 22;
const TEXT_PX = 14;
const AGAIN_MS = 3000;

for (const form of document.querySelectorAll("form[data-settings]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector(".problem");
    const patch = {};
    for (const input of form.querySelectorAll("input")) {
      const value = input.value === "" ? null : Number(input.value);
      const [first, second] = input.name.split(".");
      if (second) (patch[first] ??= {})[second] = value;
      else patch[first] = value;
    }
    try {
      const answer = await ask("PUT", "/api/v1/settings", patch);
      problem.textContent = "";
      for (const input of form.querySelectorAll("input")) {
        if (!input.name.includes(".")) input.placeholder = answer.effective[input.name] ?? "";
      }
      tell(`${form.querySelector("h2").textContent} saved and in force`);
    } catch (error) {
      problem.textContent = error.message;
    }
  });
}

const drawing = document.getElementById("drawing");
const still = document.getElementById("still");
const buttons = Object.fromEntries(
  ["add-zone", "add-corner", "add-line", "turn-line", "remove", "save-drawing", "refresh-still"].map(
    (id) => [id, document.getElementById(id)],
  ),
);
const stored = JSON.parse(document.getElementById("zones").textContent);
const zones = stored.zones;
let line = stored.line;
let chosen = null; // a zone, or the line
let height = 562.5;

const clamp = (share) => Math.min(1, Math.max(0, share));
const rounded = (share) => Math.round(clamp(share) * 10000) / 10000;
const cornersOf = (shape) => (shape === line ? [line.start, line.end] : shape.points);

function make(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// One pixel of the screen in the drawing's units: corners are as large on a phone.
const pixel = () => WIDTH / (drawing.clientWidth || WIDTH);

function draw(focused) {
  drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  const place = ([x, y]) => [x * WIDTH, y * height];
  const parts = zones.flatMap((zone) => {
    const polygon = make("polygon", {
      points: zone.points.map((point) => place(point).join(",")).join(" "),
      class: zone === chosen ? "chosen" : "",
    });
    moves(polygon, zone);
    const [x, y] = place(zone.points[0]);
    const size = TEXT_PX * pixel();
    return [polygon, make("text", { x: x + size, y: y + 1.8 * size, "font-size": size }, zone.name)];
  });
  if (line) parts.push(...drawnLine(place));
  const shapes = line ? [...zones, line] : zones;
  for (const shape of shapes) {
    cornersOf(shape).forEach((corner, index) => parts.push(...handle(shape, corner, index, place)));
  }
  drawing.replaceChildren(...parts);
  buttons["add-corner"].disabled = !chosen || chosen === line || chosen.points.length >= 12;
  buttons["turn-line"].disabled = !line;
  buttons["add-line"].disabled = Boolean(line);
  buttons["add-zone"].disabled = zones.length >= 8;
  buttons.remove.disabled = !chosen;
  if (focused) drawing.querySelector(`circle[data-key="${focused}"]`)?.focus();
}

function drawnLine(place) {
  const [x1, y1] = place(line.start);
  const [x2, y2] = place(line.end);
  const shape = make("line", { x1, y1, x2, y2 });
  moves(shape, line);
  // From its middle to its right, seen from the start: the way of what approaches.
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [right, along] = [[-(y2 - y1) / length, (x2 - x1) / length], [(x2 - x1) / length, (y2 - y1) / length]];
  const at = (forth, aside) => [
    (x1 + x2) / 2 + right[0] * forth + along[0] * aside,
    (y1 + y2) / 2 + right[1] * forth + along[1] * aside,
  ];
  const size = 12 * pixel();
  const corners = [at(0, -size), at(0, size), at(2 * size, 0)].map((point) => point.join(" "));
  return [shape, make("path", { d: `M${corners.join("L")}Z` })];
}

function handle(shape, corner, index, place) {
  const [cx, cy] = place(corner);
  const name = shape === line ? "line" : shape.name;
  const key = `${shape === line ? "line" : zones.indexOf(shape)}-${index}`;
  const circle = make("circle", {
    cx,
    cy,
    r: CORNER_PX * pixel(),
    tabindex: 0,
    role: "button",
    "aria-label": `${name}, corner ${index + 1}`,
    "data-key": key,
  });
  circle.addEventListener("focus", () => {
    if (chosen === shape) return;
    chosen = shape;
    draw(key);
  });
  circle.addEventListener("keydown", (event) => byKey(event, shape, corner, key));
  const finger = make("circle", { cx, cy, r: FINGER_PX * pixel(), class: "finger" });
  for (const target of [finger, circle]) {
    target.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      drag(event, (dx, dy) => shift([corner], dx, dy), shape);
    });
  }
  return [finger, circle];
}

function byKey(event, shape, corner, key) {
  const step = event.shiftKey ? LARGE_STEP : STEP;
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const way = ways[event.key];
  if (way) {
    event.preventDefault();
    shift([corner], way[0] * step, way[1] * step);
    changed(key);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    if (shape !== line && shape.points.length > 3) shape.points.splice(shape.points.indexOf(corner), 1);
    else remove(shape);
    changed();
  }
}

function shift(corners, dx, dy) {
  const outermost = (axis, pick) => pick(...corners.map((corner) => corner[axis]));
  const [x, y] = [0, 1].map((axis) => {
    const by = axis ? dy : dx;
    return Math.max(-outermost(axis, Math.min), Math.min(1 - outermost(axis, Math.max), by));
  });
  for (const corner of corners) {
    corner[0] = rounded(corner[0] + x);
    corner[1] = rounded(corner[1] + y);
  }
}

function moves(element, shape) {
  element.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    drag(event, (dx, dy) => shift(cornersOf(shape), dx, dy), shape);
  });
}

function shareOf(event) {
  const box = drawing.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function drag(event, move, shape) {
  event.preventDefault();
  chosen = shape;
  let [x, y] = shareOf(event);
  draw();
  follow(event, (now) => {
    move(now[0] - x, now[1] - y);
    [x, y] = now;
    changed();
  });
}

function follow(event, onMove, onEnd) {
  drawing.setPointerCapture(event.pointerId);
  const moved = (next) => onMove(shareOf(next));
  drawing.addEventListener("pointermove", moved);
  drawing.addEventListener(
    "lostpointercapture",
    () => {
      drawing.removeEventListener("pointermove", moved);
      onEnd?.();
    },
    { once: true },
  );
}

// On the free picture: a rectangle becomes a zone, a tap lets go of what was chosen.
drawing.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  const [x1, y1] = shareOf(event).map(clamp);
  let zone = null;
  chosen = null;
  draw();
  follow(event, (now) => {
    const [x2, y2] = now.map(rounded);
    if (!zone && zones.length < 8 && Math.hypot(x2 - x1, y2 - y1) > 0.04) {
      zone = added([]);
    }
    if (!zone) return;
    const [left, top] = [rounded(x1), rounded(y1)];
    zone.points = [[left, top], [x2, top], [x2, y2], [left, y2]];
    changed();
  });
});

function added(points) {
  const names = new Set(zones.map((zone) => zone.name));
  let number = 1;
  while (names.has(`Zone ${number}`)) number += 1;
  const zone = { name: `Zone ${number}`, points };
  zones.push(zone);
  chosen = zone;
  return zone;
}

function remove(shape) {
  if (shape === line) line = null;
  else zones.splice(zones.indexOf(shape), 1);
  chosen = null;
}

function changed(focused) {
  buttons["save-drawing"].disabled = false;
  draw(focused);
}

buttons["add-zone"].addEventListener("click", () => {
  const zone = added([[0.3, 0.4], [0.7, 0.4], [0.7, 0.85], [0.3, 0.85]]);
  changed(`${zones.indexOf(zone)}-0`);
});
buttons["add-corner"].addEventListener("click", () => {
  const { points } = chosen;
  const lengths = points.map(([x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length];
    return Math.hypot(nextX - x, nextY - y);
  });
  const index = lengths.indexOf(Math.max(...lengths));
  const [first, next] = [points[index], points[(index + 1) % points.length]];
  points.splice(index + 1, 0, [rounded((first[0] + next[0]) / 2), rounded((first[1] + next[1]) / 2)]);
  changed(`${zones.indexOf(chosen)}-${index + 1}`);
});
buttons["add-line"].addEventListener("click", () => {
  line = { start: [0.25, 0.6], end: [0.75, 0.6] }; // its right side is below it
  chosen = line;
  changed("line-0");
});
buttons["turn-line"].addEventListener("click", () => {
  [line.start, line.end] = [line.end, line.start];
  chosen = line;
  changed();
});
buttons.remove.addEventListener("click", () => {
  remove(chosen);
  changed();
});
function newPicture() {
  still.src = `/api/v1/picture.jpg?${Date.now()}`;
}
buttons["refresh-still"].addEventListener("click", newPicture);
buttons["save-drawing"].addEventListener("click", async () => {
  try {
    await ask("PUT", "/api/v1/settings", { zones, line });
    buttons["save-drawing"].disabled = true;
    tell("Zones and line saved and in force");
  } catch (error) {
    tell(error.message, "error");
  }
});
let again;
function sized() {
  document.getElementById("still-note").hidden = still.naturalWidth > 0;
  still.classList.toggle("missing", !still.naturalWidth);
  clearTimeout(again);
  if (!still.naturalWidth) again = setTimeout(newPicture, AGAIN_MS);
  if (still.naturalWidth) {
    still.parentElement.style.setProperty("--ratio", still.naturalWidth / still.naturalHeight);
    height = (WIDTH * still.naturalHeight) / still.naturalWidth;
    still.width = still.naturalWidth;
    still.height = still.naturalHeight;
  }
  draw();
}
new ResizeObserver(() => draw(document.activeElement?.dataset?.key)).observe(drawing);
still.addEventListener("load", sized);
still.addEventListener("error", sized);
if (still.complete) sized();
else draw();
addEventListener("beforeunload", (event) => {
  if (buttons["save-drawing"].disabled) return;
  event.preventDefault();
  event.returnValue = true; // what browsers from before 2024 go by
});
