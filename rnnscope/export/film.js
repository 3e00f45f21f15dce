"use strict";
// The film of a run: every snapshot's colors, predictions and sample are in D; nothing is fetched.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const S = D.steps.length, T = D.ids.length, STEPS = 33, SVG = "http://www.w3.org/2000/svg";
const units = D.units.map((unit) => ({ ...unit, values: bytes(unit.values) }));
const given = bytes(D.probabilities), predicted = D.wide ? wide(bytes(D.predicted)) : bytes(D.predicted);
const predictedP = bytes(D.predictedProbabilities);
const samples = D.samples.map((sample) => ({ characters: sample.characters, p: bytes(sample.probabilities) }));
const state = { at: 0, unit: 0, cursor: Math.min(90, Math.floor(T / 3)), playing: false, due: 0 };

function wide(pairs) {
  const found = new Uint16Array(pairs.length / 2);
  for (let i = 0; i < found.length; i++) found[i] = pairs[2 * i] | (pairs[2 * i + 1] << 8);
  return found;
}

// -- the axis of steps, shared by losses and scores: logarithmic from step 1 on

const W = 1000, LOSS = 150, SCORE = 70, LAST = Math.max(10, D.last);
const x = (step) => (W * Math.log(Math.max(step, 1))) / Math.log(LAST);

function make(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

function drawLosses() {
  const svg = $("loss"), all = [...D.train, ...D.heldOut, ...D.levels].map((point) => point[1]).filter((v) => v > 0);
  if (!all.length) { svg.remove(); return; }
  const high = Math.log(Math.max(...all)), low = Math.log(Math.min(...all));
  const y = (nats) => 8 + ((LOSS - 16) * (high - Math.log(nats))) / Math.max(high - low, 1e-9);
  for (const [, nats] of D.levels) make(svg, "line", { x1: 0, x2: W, y1: y(nats), y2: y(nats), class: "level" });
  for (const [points, kind] of [[D.train, "train"], [D.heldOut, "heldout"]]) {
    const line = points.filter((point) => point[1] > 0).map((point) => `${x(point[0])},${y(point[1])}`);
    make(svg, "polyline", { points: line.join(" "), class: kind });
  }
  make(svg, "line", { y1: 0, y2: LOSS, class: "head" });
}

function drawScores() {
  const svg = $("score"), unit = units[state.unit];
  svg.replaceChildren();
  const share = (score) => Math.max(0, Math.min(1, unit.metric === "auc" ? 2 * score - 1 : score));
  D.steps.forEach((step, i) => {
    const left = x(step), right = i + 1 < S ? x(D.steps[i + 1]) : W;
    if (unit.scores.length) {
      const height = Math.max(1, share(unit.scores[i]) * (SCORE - 12));
      make(svg, "rect", { x: left, y: SCORE - height, width: Math.max(1, right - left), height, class: "bar" });
    }
    make(svg, "line", { x1: left, x2: left, y1: 0, y2: 5, class: "tick" });
  });
  make(svg, "line", { x1: 0, x2: W, y1: SCORE - share(0.9) * (SCORE - 12), y2: SCORE - share(0.9) * (SCORE - 12), class: "level" });
  make(svg, "line", { y1: 0, y2: SCORE, class: "head" });
}

// -- the passage

const cells = [];
function drawPassage() {
  const passage = $("passage");
  D.ids.forEach((id, t) => {
    const cell = document.createElement("i");
    cell.textContent = D.glyphs[id];
    cell.addEventListener("click", () => { state.cursor = t; draw(); });
    cells.push(cell);
    passage.append(cell);
    if (D.ends[id]) passage.append("\n");
  });
}

// -- one snapshot

function draw() {
  const { at, cursor } = state, unit = units[state.unit], start = at * T;
  $("step").textContent = `step ${D.steps[at].toLocaleString("en")}`;
  $("place").textContent = `snapshot ${at + 1} of ${S}` + clock(D.elapsed[at]);
  $("slider").value = at;
  document.body.className = `rnnscope ${unit.kind}`;
  for (let t = 0; t < T; t++) {
    const step = Math.round((unit.values[start + t] * (STEPS - 1)) / 255);
    cells[t].className = t === cursor ? "cursor" : `s${step}`;
  }
  for (const head of document.querySelectorAll(".head")) {
    head.setAttribute("x1", x(D.steps[at]));
    head.setAttribute("x2", x(D.steps[at]));
  }
  const value = unit.values[start + cursor] / 255;
  const shown = unit.kind === "gate" ? value.toFixed(2) : signed(2 * value - 1);
  const score = unit.scores.length ? ` · ${unit.feature}: ${unit.metric === "auc" ? "AUC" : "ρ"} ${unit.scores[at].toFixed(2)}` : "";
  $("value").textContent = `at the cursor ${shown}${score}`;
  drawNext(start + cursor);
  drawSample(samples[at]);
}

function clock(seconds) {
  if (seconds === null) return "";
  const whole = Math.floor(seconds);
  return ` · ${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} of training`;
}

const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

function drawNext(place) {
  const next = $("next"), K = D.predictions;
  next.replaceChildren();
  for (let k = 0; k < K; k++) {
    const id = predicted[place * K + k], p = predictedP[place * K + k] / 255;
    const row = document.createElement("div"), bar = document.createElement("b");
    const isTrue = state.cursor + 1 < T && D.ids[state.cursor + 1] === id;
    row.className = isTrue ? "true" : "";
    row.textContent = D.labels[id];
    bar.style.width = `${Math.round(100 * p) * 0.7}%`;
    row.append(bar, `${(100 * p).toFixed(0)} %`);
    next.append(row);
  }
  const truth = state.cursor + 1 < T ? given[place + 1] / 255 : null;
  $("truth").textContent = truth === null ? "end of the passage" :
    `true: ${D.labels[D.ids[state.cursor + 1]]}, p = ${truth.toFixed(2)}`;
}

function drawSample(sample) {
  const box = $("sample");
  box.replaceChildren();
  sample.characters.forEach((character, i) => {
    const cell = document.createElement("i"), p = sample.p[i] / 255;
    cell.className = "p" + D.bounds.filter((bound) => p < bound).length;
    cell.textContent = character;
    box.append(cell);
  });
}

// -- playing

function go(at) {
  state.at = Math.max(0, Math.min(S - 1, at));
  draw();
}

function play(playing) {
  state.playing = playing;
  if (playing && state.at === S - 1) go(0);
  $("play").textContent = playing ? "pause" : "play";
  state.due = performance.now() + interval();
  if (playing) requestAnimationFrame(tick);
}

const interval = () => 500 / Number($("speed").value);

function tick(now) {
  if (!state.playing) return;
  if (now >= state.due) {
    if (state.at === S - 1) { play(false); return; }
    go(state.at + Math.max(1, Math.floor((now - state.due) / interval())));
    state.due = now + interval();
  }
  requestAnimationFrame(tick);
}

function turnSpeed(by) {
  const speed = $("speed");
  speed.selectedIndex = Math.max(0, Math.min(speed.options.length - 1, speed.selectedIndex + by));
}

function scrub(event) {
  const box = event.currentTarget.getBoundingClientRect();
  const step = Math.exp((Math.log(LAST) * (event.clientX - box.left)) / box.width);
  let best = 0;
  D.steps.forEach((each, i) => { if (Math.abs(each - step) < Math.abs(D.steps[best] - step)) best = i; });
  play(false);
  go(best);
}

drawLosses();
drawPassage();
for (const [i, unit] of units.entries()) {
  const option = document.createElement("option");
  option.value = i;
  option.textContent = unit.name + (unit.feature ? ` · ${unit.feature}` : "");
  $("unit").append(option);
}
$("unit").addEventListener("change", (event) => { state.unit = Number(event.target.value); drawScores(); draw(); });
$("slider").addEventListener("input", (event) => { play(false); go(Number(event.target.value)); });
$("play").addEventListener("click", () => play(!state.playing));
for (const id of ["loss", "score"]) {
  const svg = $(id);
  if (!svg) continue;
  svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); scrub(event); });
  svg.addEventListener("pointermove", (event) => { if (event.buttons) scrub(event); });
}
document.addEventListener("keydown", (event) => {
  if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
  const moves = { ")": 1, "(": -1, ArrowRight: 1, ArrowLeft: -1 };
  if (event.key in moves) { play(false); go(state.at + moves[event.key]); }
  else if (event.key === " ") play(!state.playing);
  else if (event.key === "<") turnSpeed(-1);
  else if (event.key === ">") turnSpeed(+1);
  else return;
  event.preventDefault();
});
drawScores();
draw();
