// The console is an ordinary API client. Its only state is that received from GET /containers:watch.
"use strict";

const API = "api/v1alpha1/containers";
const ROWS_MAX = 500; // more are counted, not shown
const LOG_LINES_MAX = 5000;
const LOG_TAIL = 200;
const USAGE_EVERY_MS = 15000;
const USAGE_SAMPLES = 60;
const RETRY_MIN_MS = 500, RETRY_MAX_MS = 15000;
const SILENCE_MS = 35000; // the connection of a stream is considered lost (a comment is sent every 15 s)
const HEALTH_EVERY_MS = 5000, HEALTH_MS = 4000;

const $ = (id) => document.getElementById(id);
const containers = new Map(); // id -> container
const rows = new Map(); // id -> <tr>
const outcomes = new Map(); // uid of a container -> outcome of its last action
let chosen = null; // id
let words = ""; // search words, matched locally
let watching = null; // AbortController
let panel = null; // {stop()} of the open tab
let declined = false; // the token prompt was cancelled: it stays closed until a user's action needs one

// ---- requests ------------------------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "status " + status);
    this.status = status;
    this.errors = body.errors || [];
  }
}

async function ask(method, path, { body, type = "application/json", headers = {}, signal } = {}) {
  const token = sessionStorage.getItem("token");
  if (/[^\x21-\x7e]/.test(token || "")) { // not allowed in a header
    sessionStorage.removeItem("token");
    needToken();
    throw new Problem(401, { detail: "invalid token" });
  }
  const response = await fetch(API + path, {
    method, signal, cache: "no-store",
    headers: { ...headers, ...(token && { Authorization: "Bearer " + token }), ...(body && { "Content-Type": type }) },
    body: body && JSON.stringify(body),
  });
  if (response.ok) return response;
  let problem = {};
  try { problem = await response.json(); } catch { /* not JSON (from a proxy): only the status is known */ }
  if (response.status === 401) needToken();
  throw new Problem(response.status, problem);
}

const at = (id, rest = "") => "/" + encodeURIComponent(id) + rest;
const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); });
});

// A text/event-stream: yields null on start, then each event {event, id, data}. Fails if the stream is silent.
async function* follow(path, last, signal) {
  const own = new AbortController();
  const end = () => own.abort();
  let timer;
  const alive = () => { clearTimeout(timer); timer = setTimeout(end, SILENCE_MS); };
  signal.addEventListener("abort", end);
  try {
    alive();
    const response = await ask("GET", path, { signal: own.signal, headers: {
      Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) } });
    yield null;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "", event = {};
    for (;;) {
      const { value, done } = await reader.read();
      alive();
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (event.data !== undefined || event.id !== undefined) yield event;
          event = {};
        } else if (!line.startsWith(":")) {
          const colon = line.indexOf(":");
          event[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
        }
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    own.abort();
  }
}

// ---- the list ----------------------------------------------------------------------------------------------------

const age = (time) => {
  const s = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  const [n, unit] = s < 120 ? [s, "s"] : s < 7200 ? [s / 60, "min"] : s < 172800 ? [s / 3600, "h"] : [s / 86400, "d"];
  return Math.floor(n) + " " + unit;
};
const replicas = (c) => c.replicas ? c.replicas.ready + " of " + c.replicas.desired : "";
const matches = (c) => !words || [c.id, c.spec.image.reference, c.status, ...Object.entries(c.spec.metadata.labels || {}).flat()]
  .some((text) => text.toLowerCase().includes(words));

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function makeRow(id) {
  const row = document.createElement("tr");
  for (let i = 0; i < 5; i++) row.append(document.createElement("td"));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "name";
  button.textContent = id;
  button.addEventListener("click", () => choose(id));
  const badge = document.createElement("span");
  row.children[0].append(button);
  row.children[1].append(badge);
  return row;
}

function fillRow(row, c) {
  const badge = row.children[1].firstChild;
  const changed = badge.textContent && badge.textContent !== c.status;
  badge.className = "badge " + c.status;
  setText(badge, c.status);
  badge.title = c.status_message || "";
  setText(row.children[2], replicas(c));
  setText(row.children[3], c.spec.image.reference);
  setText(row.children[4], age(c.create_time));
  row.classList.toggle("chosen", c.id === chosen);
  if (changed) {
    row.classList.remove("changed");
    requestAnimationFrame(() => row.classList.add("changed"));
  }
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const all = [...containers.values()].filter(matches).sort((a, b) => a.id < b.id ? -1 : 1);
    const shown = all.slice(0, ROWS_MAX);
    const keep = new Set(shown.map((c) => c.id));
    for (const [id, row] of rows) if (!keep.has(id)) { row.remove(); rows.delete(id); }
    let place = $("rows").firstChild;
    for (const c of shown) {
      let row = rows.get(c.id);
      if (!row) rows.set(c.id, row = makeRow(c.id));
      if (row === place) place = place.nextSibling;
      else $("rows").insertBefore(row, place);
      fillRow(row, c);
    }
    setText($("count"), "(" + all.length + ")");
    $("empty").hidden = all.length > 0 || !$("locked").hidden;
    $("more").hidden = all.length <= ROWS_MAX;
    setText($("more"), (all.length - ROWS_MAX) + " more are not shown: refine the filter.");
    drawDetail();
  });
}

function forget(id) {
  outcomes.delete(containers.get(id)?.uid);
  containers.delete(id);
}

function take(event) {
  const data = event.data ? JSON.parse(event.data) : {};
  if (data.type === "DELETED") forget(data.container.id);
  else if (data.container) containers.set(data.container.id, data.container);
}

// Watch until aborted; after a loss, resume from the last event.
async function watch(filter) {
  watching?.abort();
  const { signal } = watching = new AbortController();
  let last = null, delay = RETRY_MIN_MS, fresh = null;
  const query = filter ? "?" + new URLSearchParams({ filter }) : "";
  while (!signal.aborted) {
    try {
      for await (const event of follow(":watch" + query, last, signal)) {
        delay = RETRY_MIN_MS;
        if (!event) {
          setText($("filter-error"), "");
          $("filter").setAttribute("aria-invalid", "false");
          showLocked(false);
          continue;
        }
        if (event.id) last = event.id;
        if (event.event === "snapshot") {
          fresh ??= new Set();
          fresh.add(JSON.parse(event.data).container.id);
        }
        take(event);
        if (event.event === "synced") {
          for (const id of containers.keys()) if (!fresh?.has(id)) forget(id);
          fresh = null;
        }
        if (event.event !== "snapshot") draw();
      }
    } catch (fault) {
      if (signal.aborted) return;
      if (fault.status === 400) {
        setText($("filter-error"), fault.message);
        $("filter").setAttribute("aria-invalid", "true");
        return;
      }
    }
    fresh = null;
    await pause(delay, signal);
    delay = Math.min(delay * 2, RETRY_MAX_MS);
  }
}

// Plain words are matched here; expressions with an operator are filtered by the server.
function applyFilter() {
  const text = $("filter").value.trim();
  const isFilter = /[=<>:()]|\b(AND|OR|NOT)\b/.test(text);
  words = isFilter ? "" : text.toLowerCase();
  const filter = isFilter ? text : "";
  if (filter !== applyFilter.last) {
    applyFilter.last = filter;
    declined = false;
    watch(filter);
  }
  draw();
}

async function lookAtHealth() {
  let state = "unhealthy";
  try {
    state = (await (await ask("GET", "/health", { signal: AbortSignal.timeout(HEALTH_MS) })).json()).status;
  } catch { /* unreachable */ }
  $("health").className = "badge " + state;
  setText($("health"), state);
  setTimeout(lookAtHealth, HEALTH_EVERY_MS);
}

// ---- one container -----------------------------------------------------------------------------------------------

function drawDetail() {
  const c = containers.get(chosen);
  if (chosen === null) return;
  $("detail-status").className = "badge " + (c ? c.status : "UNKNOWN");
  setText($("detail-status"), c ? c.status : "not shown");
  setText($("detail-why"), c ? c.status_message || "" : "Deleted, or does not match the filter.");
  const r = c?.replicas;
  setText($("detail-replicas"), r ? `${r.ready} of ${r.desired} replicas ready, ${r.updated} updated, revision ${c.revision ?? "unknown"}` : "");
  setText($("spec"), c ? JSON.stringify(c.spec, null, 2) : "");
  for (const button of $("detail").querySelectorAll(".buttons button")) button.disabled = !c;
}

function choose(id) {
  chosen = id;
  $("detail").hidden = false;
  setText($("detail-title"), id);
  setText($("outcome"), outcomes.get(containers.get(id)?.uid) || "");
  draw();
  open(document.querySelector("[role=tab][aria-selected=true]") || $("tab-logs"));
  $("detail-title").focus();
}

async function act(what, method, rest, options) {
  const id = chosen, uid = containers.get(id)?.uid;
  const tell = (text) => {
    if (uid) outcomes.set(uid, text);
    if (id === chosen) setText($("outcome"), text);
  };
  declined = false;
  tell(what + " …");
  try {
    await ask(method, at(id, rest), options);
    tell(what + ": done");
  } catch (fault) {
    tell(what + ": " + fault.message);
  }
}

// ---- tabs --------------------------------------------------------------------------------------------------------

const panels = { "panel-logs": followLogs, "panel-events": showEvents, "panel-usage": showUsage, "panel-spec": () => ({ stop() {} }) };

function open(tab) {
  if (tab.id !== "tab-spec") declined = false; // the others send requests
  panel?.stop();
  for (const other of $("tabs").children) {
    const selected = other === tab;
    other.setAttribute("aria-selected", selected);
    other.tabIndex = selected ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = !selected;
  }
  panel = panels[tab.getAttribute("aria-controls")](chosen);
}

function followLogs(id) {
  const controller = new AbortController(), { signal } = controller;
  $("logs").replaceChildren();
  setText($("logs-state"), "");
  (async () => {
    let last = null, delay = RETRY_MIN_MS;
    while (!signal.aborted) {
      try {
        for await (const event of follow(at(id, "/logs?follow=true&tail_lines=" + LOG_TAIL), last, signal)) {
          delay = RETRY_MIN_MS;
          if (!event) {
            setText($("logs-state"), "following");
            continue;
          }
          if (event.id) last = event.id;
          if (event.data) addLine(JSON.parse(event.data));
        }
        setText($("logs-state"), "the log has ended");
        return;
      } catch (fault) {
        if (signal.aborted) return;
        setText($("logs-state"), fault.message);
        if (fault.status === 404 || fault.status === 403) return;
      }
      await pause(delay, signal);
      delay = Math.min(delay * 2, RETRY_MAX_MS);
    }
  })();
  return { stop: () => controller.abort() };
}

function addLine(entry) {
  const log = $("logs");
  log.append(document.createTextNode((entry.replica ? entry.replica.slice(-5) + "  " : "") + entry.line + "\n"));
  while (log.childNodes.length > LOG_LINES_MAX) log.firstChild.remove();
  if ($("logs-bottom").checked) log.scrollTop = log.scrollHeight;
}

function every(ms, look) {
  const controller = new AbortController(), { signal } = controller;
  (async () => {
    while (!signal.aborted) {
      await look(signal);
      await pause(ms, signal);
    }
  })();
  return { stop: () => controller.abort() };
}

function showEvents(id) {
  return every(5000, async (signal) => {
    try {
      const { events: list } = await (await ask("GET", at(id, "/events?max_page_size=1000"), { signal })).json();
      $("events").replaceChildren(...list.reverse().map((e) => {
        const row = document.createElement("tr");
        for (const text of [age(e.time) + " ago", e.reason + (e.count > 1 ? " ×" + e.count : ""), e.object, e.message]) {
          const cell = document.createElement("td");
          cell.textContent = text || "";
          row.append(cell);
        }
        return row;
      }));
      setText($("events-state"), list.length ? "" : "No events.");
    } catch (fault) {
      if (!signal.aborted) setText($("events-state"), fault.message);
    }
  });
}

function plot(svg, caption, values, most, text) {
  const top = Math.max(most || 0, ...values) || 1;
  const points = values.map((v, i) => (300 * i / Math.max(1, values.length - 1)).toFixed(1) + "," + (58 - 56 * v / top).toFixed(1));
  svg.firstElementChild.setAttribute("points", points.join(" "));
  setText(caption, text);
}

function showUsage(id) {
  const cpu = [], memory = [];
  for (const name of ["cpu", "memory"]) $(name).firstElementChild.setAttribute("points", "");
  setText($("usage-state"), "");
  return every(USAGE_EVERY_MS, async (signal) => {
    try {
      const u = await (await ask("GET", at(id, "/usage"), { signal })).json();
      for (const [list, value] of [[cpu, u.cpu_cores], [memory, u.memory_bytes]]) {
        list.push(value);
        if (list.length > USAGE_SAMPLES) list.shift();
      }
      const mib = (bytes) => (bytes / 1048576).toFixed(1) + " MiB";
      plot($("cpu"), $("cpu-caption"), cpu, u.cpu_limit, `CPU: ${u.cpu_cores} cores` + (u.cpu_limit ? ` of ${u.cpu_limit}` : ""));
      plot($("memory"), $("memory-caption"), memory, u.memory_limit_bytes,
        `Memory: ${mib(u.memory_bytes)}` + (u.memory_limit_bytes ? ` of ${mib(u.memory_limit_bytes)}` : ""));
      setText($("usage-state"), `${u.replicas.length} replicas, measured at ${u.time}`);
    } catch (fault) {
      if (!signal.aborted) setText($("usage-state"), fault.message);
    }
  });
}

// ---- dialogs -----------------------------------------------------------------------------------------------------

// Show a dialog with an input (none: label null); return the text, or null if cancelled.
function question({ title, text = "", label = null, value = "", yes, secret = false }) {
  setText($("ask-title"), title);
  setText($("ask-text"), text);
  setText($("ask-yes"), yes);
  setText($("ask-label").firstElementChild, label || "");
  $("ask-label").hidden = label === null;
  $("ask-input").type = secret ? "password" : "text";
  $("ask-input").value = value;
  $("ask-dialog").returnValue = "";
  $("ask-dialog").showModal();
  return new Promise((resolve) => $("ask-dialog").addEventListener("close", () =>
    resolve($("ask-dialog").returnValue === "yes" ? $("ask-input").value : null), { once: true }));
}

function showLocked(locked) {
  $("locked").hidden = !locked;
  draw();
}

// A request was rejected for lack of a token.
function needToken() {
  showLocked(true);
  if (!declined) setTimeout(signIn);
}

async function signIn() {
  if ($("ask-dialog").open) return;
  const token = await question({ title: "Token", text: "This service requires a token. It is stored until this tab is closed.",
    label: "Token", yes: "Sign in", secret: true });
  declined = token === null && !$("locked").hidden;
  if (token === null) return;
  showLocked(false);
  sessionStorage.setItem("token", token);
  applyFilter.last = undefined;
  applyFilter();
}

const list = (text) => text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean);
// Convert "8" to a number; send anything else unchanged, for the server to reject.
const number = (text) => /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text.trim();
const pairs = (parts) => parts.map((part) => { const i = part.indexOf("="); return i < 0 ? [part, ""] : [part.slice(0, i).trim(), part.slice(i + 1).trim()]; });

// One variable per line; the further lines of a value begin with a tab.
const envText = (e) => (e.name + "=" + e.value).replace(/\r\n|\r|\n/g, "\n\t");
let filledEnv = new Map(); // text -> variable: unchanged ones are sent exactly as they were
function readEnv(text) {
  const [name, ...value] = text.split("=");
  return filledEnv.get(text) ?? { name: name.trim(), value: value.join("=").replaceAll("\n\t", "\n") };
}

function readForm() {
  const f = (name) => $("form").elements[name].value;
  const spec = {
    service_type: "container",
    metadata: { name: f("id").trim() },
    image: { reference: f("image").trim() },
    resources: {
      cpu: { min: number(f("cpu-min")), max: number(f("cpu-max")) },
      memory: { min: f("memory-min").trim(), max: f("memory-max").trim() },
    },
  };
  const labels = list(f("labels")), env = f("env").split(/\n(?!\t)/).filter((text) => text.trim()).map(readEnv);
  const ports = list(f("ports")).map((part) => {
    const [, port, , protocol, visibility = "internal"] = part.match(/^([^/\s]*)(\/(\S*))?(?:\s+(.*))?$/);
    return { container_port: number(port), visibility, ...(protocol && { protocol: protocol.toUpperCase() }) };
  });
  if (labels.length) spec.metadata.labels = Object.fromEntries(pairs(labels));
  if (ports.length) spec.network = { ports };
  if (env.length) spec.process = { env };
  if (f("replicas").trim()) spec.provider_hints = { kubernetes: { replicas: number(f("replicas")) } };
  return spec;
}

// Fill in the form from a spec. Fields that are not in the form are preserved, since only differences are sent.
function fillForm(c) {
  const spec = c?.spec;
  const set = (name, value) => { $("form").elements[name].value = value ?? ""; };
  set("id", c?.id);
  set("image", spec?.image.reference);
  set("cpu-min", spec ? spec.resources?.cpu?.min : 1);
  set("cpu-max", spec ? spec.resources?.cpu?.max : 1);
  set("memory-min", spec ? spec.resources?.memory?.min : "64MB");
  set("memory-max", spec ? spec.resources?.memory?.max : "128MB");
  set("ports", (spec?.network?.ports || []).map((p) => p.container_port + (p.protocol ? "/" + p.protocol : "") + " " + (p.visibility || "internal")).join(", "));
  set("replicas", spec?.provider_hints?.kubernetes?.replicas);
  set("labels", Object.entries(spec?.metadata.labels || {}).map(([k, v]) => k + "=" + v).join(", "));
  const env = spec?.process?.env || [];
  filledEnv = new Map(env.map((e) => [envText(e), e]));
  set("env", env.map(envText).join("\n"));
}

function showFaults(fault) {
  const left = [];
  for (const error of fault.errors || []) {
    const field = [...$("form").elements].find((e) => e.dataset.pointer?.split(" ").some((p) => (error.pointer + "/").startsWith(p + "/")));
    if (!field) { left.push((error.pointer ? error.pointer + ": " : "") + error.detail); continue; }
    const known = field.getAttribute("aria-describedby");
    if (known) { $(known).textContent += "; " + error.detail; continue; }
    field.setAttribute("aria-invalid", "true");
    const note = document.createElement("span");
    note.className = "error";
    note.id = "fault-" + field.name;
    note.textContent = error.detail;
    field.setAttribute("aria-describedby", note.id);
    field.after(note);
  }
  if (!(fault.errors || []).length) left.push(fault.message);
  setText($("form-error"), left.join("\n"));
  $("form").querySelector("[aria-invalid=true]")?.focus();
}

function clearFaults() {
  setText($("form-error"), "");
  for (const note of $("form").querySelectorAll("label .error")) note.remove();
  for (const field of $("form").elements) { field.removeAttribute("aria-invalid"); field.removeAttribute("aria-describedby"); }
}

// RFC 7396: the differences between the initial and the current values of the form.
function difference(before, now) {
  const patch = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const a = before[key], b = now[key];
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    const both = [a, b ?? {}].every((v) => v && typeof v === "object" && !Array.isArray(v));
    patch[key] = both ? difference(a, b ?? {}) : b === undefined ? null : b; // an object may have members that are not in the form
  }
  return patch;
}

let editing = null; // {id, etag, before}
function openForm(c) {
  clearFaults();
  fillForm(c);
  $("form").elements.id.disabled = !!c;
  setText($("form-title"), c ? "Edit " + c.id : "New container");
  setText($("form-send"), c ? "Change" : "Create");
  editing = c ? { id: c.id, etag: c.etag, before: readForm() } : null;
  $("form-dialog").showModal();
}

async function sendForm(event) {
  event.preventDefault();
  clearFaults();
  declined = false;
  $("form-send").disabled = true;
  try {
    const spec = readForm();
    if (editing) {
      await ask("PATCH", at(editing.id), { body: { spec: difference(editing.before, spec) }, type: "application/merge-patch+json",
        headers: { "If-Match": '"' + editing.etag + '"' } });
    } else {
      const id = $("form").elements.id.value.trim();
      await ask("POST", id ? "?" + new URLSearchParams({ id }) : "", { body: { spec } });
      choose(id || spec.metadata.name);
    }
    $("form-dialog").close();
  } catch (fault) {
    showFaults(fault.status === 412 ? new Problem(412, { detail: "The container has changed in the meantime; cancel and edit it again." }) : fault);
  }
  $("form-send").disabled = false;
}

// ---- wiring ------------------------------------------------------------------------------------------------------

$("search").addEventListener("submit", (e) => { e.preventDefault(); applyFilter(); });
let typing;
$("filter").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(applyFilter, 300); });
$("new").addEventListener("click", () => openForm(null));
for (const id of ["sign-in", "unlock"]) $(id).addEventListener("click", signIn);
$("form").addEventListener("submit", sendForm);
$("ask").addEventListener("submit", (e) => { e.preventDefault(); $("ask-dialog").close("yes"); });
for (const button of document.querySelectorAll("[data-close]"))
  button.addEventListener("click", () => button.closest("dialog").close(""));
for (const button of document.querySelectorAll("[data-verb]"))
  button.addEventListener("click", () => act(button.textContent, "POST", ":" + button.dataset.verb));
$("edit").addEventListener("click", () => openForm(containers.get(chosen)));
$("scale").addEventListener("click", async () => {
  const count = await question({ title: "Scale " + chosen, label: "Replicas", value: String(containers.get(chosen)?.replicas?.desired ?? 1), yes: "Scale" });
  if (count !== null) act("Scale", "POST", ":scale", { body: { replicas: number(count) } });
});
$("rollback").addEventListener("click", async () => {
  const revision = await question({ title: "Roll back " + chosen, text: "Empty: the previous revision.", label: "Revision", yes: "Roll back" });
  if (revision !== null) act("Roll back", "POST", ":rollback", { body: revision.trim() ? { revision: number(revision) } : {} });
});
$("delete").addEventListener("click", async () => {
  const id = chosen, etag = containers.get(id)?.etag;
  const answer = await question({ title: "Delete " + id, text: "The container and its resources are deleted. Enter its id to confirm.", label: "Id", yes: "Delete" });
  if (answer === null) return;
  if (answer.trim() !== id) setText($("outcome"), "Delete: id not confirmed, nothing was deleted");
  else act("Delete", "DELETE", "", etag ? { headers: { "If-Match": '"' + etag + '"' } } : {});
});
for (const tab of $("tabs").children) tab.addEventListener("click", () => open(tab));
$("tabs").addEventListener("keydown", (e) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  const tabs = [...$("tabs").children];
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  open(next);
});
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || /INPUT|TEXTAREA/.test(e.target.tagName) || document.querySelector("dialog[open]")) return;
  if (e.key === "/") { e.preventDefault(); $("filter").focus(); }
  if (e.key === "n") { e.preventDefault(); openForm(null); }
});
setInterval(draw, 10000); // ages
lookAtHealth();
applyFilter();
