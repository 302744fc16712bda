// What every page does: keeps its numbers fresh in place, switches parts, tells what happened.

import { answered, isSilent, notAnswered } from "/static/answering.js";

const token = document.querySelector('meta[name="csrf-token"]').content;
const REFRESH_MS = 2000;
const REFRESH_BADGE_MS = 6000;
const LONGEST_MS = 6000;
const RATE_WINDOW_MS = 60000;

export async function ask(method, path, body, signal) {
  const headers = { Accept: "application/json" };
  if (token) headers["X-CSRF-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: "error",
      signal,
    });
  } catch {
    throw new Error("the camera does not answer: check the network, it may be restarting");
  }
  const answer = await response.json().catch(() => null);
  if (response.status === 401 && method === "GET") {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (!response.ok || !answer) {
    throw new Error(answer?.message || `the camera answered ${response.status}, no more`);
  }
  return answer;
}

let toastTimer;
export function tell(text, status = "success") {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.dataset.status = status;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 4000);
}

const whole = new Intl.NumberFormat("en", { useGrouping: true, maximumFractionDigits: 0 });
const shown = (value) => whole.format(value).replaceAll(",", "\u202f");
// Never rounded to all: 99.6 is 99.6%.
const percent = (of100) => (of100 >= 99.5 && of100 < 100 ? `${Math.floor(of100 * 10) / 10}%` : `${of100.toFixed(0)}%`);
// By the device's clock, as all of the page has it, wherever the browser is.
const AHEAD_MS = 1000 * Number(document.body.dataset.aheadS);
const clockOf = (ms) => new Date(ms + AHEAD_MS).toISOString().slice(11, 19);
const clock = (text) => (text ? clockOf(Date.parse(text)) : "–");

function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function putAll(name, text) {
  for (const element of document.querySelectorAll(`[data-value="${name}"]`)) put(element, text);
}

function showRunning(running) {
  const names = { ...running, health_monitoring: running.monitoring, websocket_sender: running.sender };
  for (const element of document.querySelectorAll("[data-state], [data-switch]")) {
    const isOn = names[element.dataset.state ?? element.dataset.switch];
    if (isOn !== null && isOn !== undefined) element.dataset.on = isOn ? "yes" : "no";
  }
}

// The stream begins with the first picture: without one it would keep the page from being loaded.
// It is opened again where it may have been cut: of that a browser says nothing for sure.
let isToBeOpened = false;
function showView({ view, faces }) {
  const video = document.getElementById("video");
  if (!video) return;
  for (const state of document.querySelectorAll("[data-view]")) {
    const said = view[state.dataset.view];
    put(state, said.text);
    state.dataset.on = said.is_well ? "yes" : "no";
  }
  putAll("source_error", view.problem);
  putAll("old", view.old);
  document.getElementById("faces").hidden = !faces;
  if (view.has_picture && (isToBeOpened || !video.hasAttribute("src"))) {
    isToBeOpened = false;
    openVideo();
  }
}

function showHealth(health) {
  const badge = document.getElementById("health-badge");
  const count = (status) => health.filter((one) => one.status === status).length;
  const [failed, warned] = [count("FAIL"), count("WARN")];
  badge.hidden = failed + warned === 0;
  badge.dataset.status = failed ? "FAIL" : "WARN";
  put(badge.firstElementChild, String(failed + warned));
  put(badge.lastElementChild, [[failed, "FAIL"], [warned, "WARN"]]
    .filter(([number]) => number)
    .map(([number, word]) => `${number} ${word}`)
    .join(", "));
}

const acknowledgedAt = [];
function showRate(acknowledged) {
  const now = performance.now();
  acknowledgedAt.push([now, acknowledged]);
  while (now - acknowledgedAt[0][0] > RATE_WINDOW_MS) acknowledgedAt.shift();
  const [since, before] = acknowledgedAt[0];
  if (now - since < 4000) return;
  put(document.getElementById("rate"), shown(((acknowledged - before) * 60000) / (now - since)));
}

function showLink(link) {
  for (const short of document.querySelectorAll("[data-link-short]")) {
    put(short, link.state);
    short.dataset.linkShort = link.state;
    short.title = link.advice;
  }
  const state = document.getElementById("link-state");
  if (!state) return;
  put(state, link.state);
  state.dataset.link = link.state;
  put(document.getElementById("link-since"), link.since ? `since ${clock(link.since)}` : "");
  put(
    document.getElementById("link-advice"),
    link.advice || (link.is_open ? "Rows go as soon as they are stored." : ""),
  );
  put(document.getElementById("link-exchange"), link.exchange ?? "–");
  put(document.getElementById("link-retry"), clock(link.retry_at));
  put(document.getElementById("link-detail"), link.detail || "–");
}

function fill(table, templateId, rows, fillRow) {
  const template = document.getElementById(templateId);
  const made = rows.map((row) => {
    const copy = template.content.firstElementChild.cloneNode(true);
    fillRow(copy, row);
    return copy;
  });
  table.tBodies[0].replaceChildren(...made);
}

function showComponents(health) {
  const table = document.getElementById("components");
  if (!table) return;
  document.getElementById("components-empty").hidden = health.length > 0;
  fill(table, "component-row", health, (row, one) => {
    const tag = row.cells[0].firstElementChild;
    tag.textContent = one.status;
    tag.dataset.status = one.status;
    row.cells[1].textContent = one.component;
    row.cells[2].textContent = one.message;
  });
}

function showUnrecorded(refused) {
  const table = document.getElementById("unrecorded");
  if (!table) return;
  document.getElementById("not-recorded").hidden = refused.length === 0;
  fill(table, "unrecorded-row", refused, (row, one) => {
    row.cells[0].firstElementChild.textContent = one.text;
    row.cells[1].textContent = clock(one.captured_at);
    row.cells[2].textContent = one.reason.replaceAll("_", " ");
  });
}

let waitingThen;
async function showWaiting(waiting) {
  const kinds = document.getElementById("waiting-kinds");
  if (!kinds || waiting === waitingThen) return;
  waitingThen = waiting;
  const found = (await ask("GET", "/api/v1/waiting")).filter((one) => one.rows > 0);
  put(kinds, found.map((one) => `${shown(one.rows)} ${one.kind}`).join(", "));
}

let capturedThen;
async function showLatest(captured) {
  const table = document.getElementById("latest");
  if (!table || captured === capturedThen) return;
  capturedThen = captured;
  const [found, advice] = await Promise.all([
    ask("GET", `/api/v1/sightings?sort_by=id&per_page=${table.dataset.rows}`),
    ask("GET", "/api/v1/advice"),
  ]);
  fill(table, "latest-row", found.data, (row, one) => {
    const link = row.cells[0].firstElementChild;
    link.textContent = one.license_plate_text || "–";
    link.href = `/detection/${one.id}`;
    row.cells[1].textContent = String(one.timestamp).slice(11, 19);
    row.cells[2].textContent = percent(one.lp_confidence > 1 ? one.lp_confidence : 100 * one.lp_confidence);
  });
  document.getElementById("latest-empty").hidden = found.data.length > 0;
  const list = document.getElementById("advice");
  list.replaceChildren(
    ...advice.map((one) => {
      const item = document.createElement("li");
      item.dataset.level = one.level;
      item.textContent = one.text;
      return item;
    }),
  );
}

export async function refresh() {
  let status;
  try {
    status = await ask("GET", "/api/v1/status", undefined, AbortSignal.timeout(LONGEST_MS));
  } catch (error) {
    const sinceMs = notAnswered(clockOf);
    if (sinceMs !== null) putAll("old", `The last picture, from ${clockOf(sinceMs)}`);
    throw error;
  }
  isToBeOpened ||= answered(status);
  showHealth(status.health);
  for (const name of ["plates", "faces", "waiting", "acknowledged", "refused", "evicted"]) {
    putAll(name, shown(status[name]));
  }
  putAll("fps", status.fps.toFixed(1));
  putAll("in_flight", shown(status.link.in_flight));
  showRunning(status.running);
  showView(status);
  showRate(status.acknowledged);
  showLink(status.link);
  showComponents(status.health);
  showUnrecorded(status.pipeline.latest_refused);
  await showWaiting(status.waiting);
  await showLatest(status.captured);
  return status;
}

async function act(button, path) {
  button.disabled = true;
  try {
    const answer = await ask("POST", path);
    tell(answer.message, answer.status);
    await refresh();
  } catch (error) {
    tell(error.message, "error");
  } finally {
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-switch]")) {
  button.addEventListener("click", () => {
    const verb = button.dataset.on === "yes" ? "stop" : "start";
    act(button, `/api/${verb}_${button.dataset.switch}`);
  });
}
for (const button of document.querySelectorAll("[data-post]")) {
  button.addEventListener("click", () => act(button, button.dataset.post));
}
document.getElementById("check-now")?.addEventListener("click", (event) => {
  act(event.currentTarget, "/api/health_check");
});
document.getElementById("logout")?.addEventListener("click", async () => {
  await fetch("/logout", { method: "POST", headers: { "X-CSRF-Token": token } });
  location.assign("/login");
});
document.getElementById("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

// The stream may be full or cut: single pictures then, until it is opened again.
const video = document.getElementById("video");
let stills;
function openVideo() {
  clearInterval(stills);
  stills = undefined;
  video.src = `/video_feed?${Date.now()}`;
}
if (video) {
  const note = document.getElementById("video-note");
  const show = (isThere) => {
    note.hidden = isThere;
    video.classList.toggle("missing", !isThere);
  };
  const showStill = () => {
    if (!isSilent()) video.src = `/api/v1/picture.jpg?${Date.now()}`;
  };
  video.addEventListener("load", () => {
    show(true);
    put(note, "No picture now");
  });
  video.addEventListener("error", () => {
    show(false);
    stills ??= setInterval(showStill, REFRESH_MS);
  });
  addEventListener("pagehide", () => video.removeAttribute("src"));
}

const isWatching = document.querySelector("[data-value], [data-state], #components") !== null;
let lastSaid = "";
async function refreshForever() {
  for (;;) {
    if (!document.hidden) {
      try {
        await refresh();
        lastSaid = "";
      } catch (error) {
        if (!isSilent() && error.message !== lastSaid) tell(error.message, "error");
        lastSaid = error.message;
      }
    }
    const waitMs = isWatching || isSilent() ? REFRESH_MS : REFRESH_BADGE_MS;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
refreshForever();
