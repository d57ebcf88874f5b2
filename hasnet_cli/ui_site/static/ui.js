// The page's state lies in its controls. Every change is a turn: the program stops working on a turn
// as soon as it hears of the next one, and what comes back too late is not shown.
"use strict";

const at = id => document.getElementById(id);
const state = { photo: null, face: "auto", domain: null, reference: null, touched: {}, colour: {} };
const SLIDERS = ["strength", "shape", "appearance", "medium"];
const PAGE = crypto.randomUUID();
const WAIT = 25, IDLE = 1200;  // milliseconds: a hand that rests, nobody at work
const GAVE_WAY = 204;  // no content: something newer or more urgent was asked for
let domains = [];

// ------------------------------------------------------------------------------------ requests

async function ask(path, options) {
  let answer;
  try { answer = await fetch(path, options); }
  catch { throw new Error("The program does not answer; is it still running?"); }
  const type = answer.headers.get("Content-Type") || "";
  const found = type.includes("json") ? await answer.json() : null;
  if (!answer.ok) {
    const text = found ? [found.error, found.hint].filter(Boolean).join(" ") : answer.statusText;
    throw new Error(text);
  }
  if (answer.status === GAVE_WAY) throw Object.assign(new Error(), { gaveWay: true });
  return found;
}

let turn = 0, shown = 0, done = 0;

const nextTurn = () => `page=${PAGE}&turn=${++turn}`;
const working = () => done !== turn;

function complain(error) { at("problem").textContent = error ? error.message : ""; }

// --------------------------------------------------------------------------------------- photo

async function open(blob, name) {
  complain(null);
  at("state").textContent = "Looking for faces…";
  const query = `name=${encodeURIComponent(name)}&${nextTurn()}`, mine = turn;
  try {
    const found = await ask(`photo?${query}`, { method: "POST", body: blob });
    if (mine !== turn) return;
    state.photo = found;
    state.face = "auto";
    showPhoto(found);
    at("state").textContent = "";
    showWorlds();
    if (found.faces.length) refresh();
    else complain(new Error(found.notes[0]));
    lookForOthers(found).catch(complain);
  } catch (error) {
    if (error.gaveWay) return;
    at("state").textContent = "";
    complain(error);
  } finally { if (mine === turn) done = mine; }
}

function showPhoto(photo) {
  at("faces").hidden = false;
  at("drop-text").textContent = photo.name;
  at("preview").src = `photo/${photo.photo}.jpg`;
  showFaces(photo, []);
}

// The largest face is found at once; the others, which may be small, while it is drawn.
async function lookForOthers(photo) {
  const { faces } = await ask(`photo/${photo.photo}/faces`);
  if (state.photo !== photo || !faces.length) return;
  showFaces(photo, faces);
  if (photo.faces.length) return;
  photo.faces = faces;
  complain(null);
}

function showFaces(photo, faces) {
  const several = faces.length > 1 || (faces.length === 1 && !photo.faces.length);
  at("faces").querySelectorAll("button").forEach(one => one.remove());
  faces.forEach((box, i) => several && at("faces").append(faceButton(box, i + 1, photo)));
  at("face-line").hidden = !several;
  at("face-line").textContent = photo.faces.length
    ? `${faces.length} faces: choose one; the largest is taken now.` : "Choose a face.";
}

function faceButton([x, y, w, h], number, photo) {
  const button = document.createElement("button"), label = document.createElement("span");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", `Face ${number}`);
  label.textContent = number;
  button.append(label);
  const share = (part, whole) => `${100 * part / whole}%`;
  Object.assign(button.style, { left: share(x, photo.width), top: share(y, photo.height),
    width: share(w, photo.width), height: share(h, photo.height) });
  button.addEventListener("click", () => {
    state.face = String(number);
    at("faces").querySelectorAll("button").forEach(one =>
      one.setAttribute("aria-pressed", String(one === button)));
    refresh();
    showWorlds();
  });
  return button;
}

at("file").addEventListener("change", () => {
  const [file] = at("file").files;
  if (file) open(file, file.name);
  at("file").value = "";
});
at("example").addEventListener("click", async () => {
  const answer = await fetch(document.body.dataset.example);
  open(await answer.blob(), "example.jpg");
});
addEventListener("paste", event => {
  const [file] = event.clipboardData.files;
  if (file) open(file, file.name || "pasted.png");
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, event => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const [file] = event.dataTransfer.files;
    if (file) open(file, file.name);
  });
}

// -------------------------------------------------------------------------------------- camera

let stream = null;

function endCamera() {
  if (stream) stream.getTracks().forEach(track => track.stop());
  stream = null;
  at("camera-part").hidden = true;
}

at("camera").addEventListener("click", async () => {
  complain(null);
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    at("video").srcObject = stream;
    at("camera-part").hidden = false;
    at("shoot").focus();
  } catch { complain(new Error("The camera cannot be used here.")); }
});
at("camera-end").addEventListener("click", endCamera);
at("shoot").addEventListener("click", () => {
  const video = at("video"), canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob(blob => { endCamera(); open(blob, "camera.png"); }, "image/png");
});

// -------------------------------------------------------------------------- worlds, references

function swatches(colours) {
  const box = document.createElement("div");
  box.className = "colours";
  for (const colour of colours) {
    const chip = document.createElement("i");
    chip.style.background = colour;
    box.append(chip);
  }
  return box;
}

// The query of a card is what its picture is drawn from; none for one without a picture of its own.
function card(group, value, text, picture, checked, choose, query) {
  const label = document.createElement("label"), input = document.createElement("input");
  const name = document.createElement("span");
  label.className = "card";
  Object.assign(input, { type: "radio", name: group, value, checked });
  input.setAttribute("aria-label", text);
  input.addEventListener("change", choose);
  name.textContent = text;
  label.append(input, picture, name);
  if (query) label.dataset.query = new URLSearchParams(query);
  return label;
}

function showWorlds() {
  const cards = domains.map(domain => card("world", domain.name, domain.name,
    swatches(domain.references[0].colours), domain.name === state.domain,
    () => chooseWorld(domain.name), { domain: domain.name }));
  at("worlds").replaceChildren(...cards);
  showReferences();
}

function chooseWorld(name) {
  state.domain = name;
  state.reference = null;
  state.colour = {};
  showReferences();
  refresh();
}

function showReferences() {
  const domain = domains.find(one => one.name === state.domain);
  const likest = card("reference", "", "likest", swatches(["#fff", "#bbb", "#777", "#333"]),
    !state.reference, () => chooseReference(null));
  const cards = domain.references.map(one => card("reference", one.name,
    one.name.replace(`${domain.name}-`, ""), swatches(one.colours), one.name === state.reference,
    () => chooseReference(one.name), { domain: domain.name, reference: one.name }));
  at("references").replaceChildren(likest, ...cards);
  drawCards();
}

function chooseReference(name) {
  state.reference = name;
  state.colour = {};
  refresh();
}

// Each card with the user's own face, with the example's before there is one; one after the other,
// worlds first, while nothing else is asked for.
let idle = 0, round = 0, example = null;

async function drawCards() {
  const mine = ++round, own = state.photo && state.photo.faces.length;
  const photo = own ? state.photo : example, face = own ? state.face : "auto";
  const undrawn = () => document.querySelector(".card[data-query]:not(.drawn)");
  for (let next; photo && (next = undrawn());) {
    do { await new Promise(rested => setTimeout(rested, 100)); }
    while (working() || performance.now() - idle < IDLE);
    if (mine !== round) return;
    const query = new URLSearchParams(next.dataset.query);
    query.set("face", face);
    const answer = await fetch(`photo/${photo.photo}/thumb.jpg?${query}`);
    if (answer.status === GAVE_WAY) continue;
    next.classList.add("drawn");
    if (answer.ok) await showOnCard(next, await answer.blob());
  }
}

async function showOnCard(card, blob) {
  const picture = new Image();
  picture.alt = "";
  picture.src = URL.createObjectURL(blob);
  await picture.decode();
  card.prepend(picture);
  URL.revokeObjectURL(picture.src);
}

async function openExample() {
  const body = await (await fetch(document.body.dataset.example)).blob();
  example = await ask("photo?name=example.jpg", { method: "POST", body });
  if (!state.photo) drawCards();
}

// -------------------------------------------------------------------------------------- avatar

let timer = null;

function asked() {
  const found = { domain: state.domain, reference: state.reference, face: state.face,
    colour: state.colour, background: at("background").value, paste: at("paste").checked,
    keep: [...at("keep").querySelectorAll("input:checked")].map(one => one.value) };
  for (const name of SLIDERS) if (state.touched[name]) found[name] = Number(at(name).value);
  if (!found.paste && at("size").value) found.size = Number(at("size").value);
  return found;
}

function refresh() {
  idle = performance.now();
  clearTimeout(timer);
  timer = setTimeout(work, WAIT);
}

async function work() {
  if (!state.photo || !state.photo.faces.length || !state.domain) return;
  const photo = state.photo, query = nextTurn(), mine = turn;
  at("stage").classList.add("busy");
  try {
    const made = await ask(`photo/${photo.photo}/avatar?${query}`, { method: "POST",
      headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked()) });
    await show(made, mine, photo);
  } catch (error) { if (!error.gaveWay) complain(error); }
  if (mine !== turn) return;
  done = mine;
  at("stage").classList.remove("busy");
  idle = performance.now();
}

async function show(made, mine, photo) {
  const after = at("after"), before = at("before"), next = new Image();
  next.src = `avatar/${made.avatar}`;
  await next.decode();
  if (mine < shown || state.photo !== photo) return;
  shown = mine;
  complain(null);
  after.src = next.src;
  before.src = `avatar/${made.avatar}/before.jpg`;
  at("empty").hidden = true;
  at("stage").style.aspectRatio = `${made.width} / ${made.height}`;
  at("stage").classList.toggle("cut-out", at("background").value === "transparent");
  at("compare").disabled = false;
  at("download").hidden = at("command-part").hidden = false;
  at("download").href = `avatar/${made.avatar}.png?keep`;
  at("download").download = made.name;
  at("command").textContent = made.command;
  at("reference-name").textContent = made.reference.name;
  at("state").textContent = [`${made.width} x ${made.height} px in ${made.seconds} s.`,
    ...made.notes].join(" ");
  at("avatar-part").dataset.made = made.avatar;
  showZones(made.reference);
}

function split() {
  const share = at("compare").value;
  at("before").style.clipPath = `inset(0 ${100 - share}% 0 0)`;
}

// ------------------------------------------------------------------------------------- controls

function showZones(reference) {
  for (const row of document.querySelectorAll(".zone")) {
    const zone = row.dataset.zone, own = (reference.zones[zone] || []).map(([code]) => code);
    row.querySelector("input").value = state.colour[zone] || own[0] || "#808080";
    row.querySelector(".chips").replaceChildren(...own.map(code => chip(zone, code)));
    row.querySelector(".reset").hidden = !(zone in state.colour);
  }
}

function chip(zone, code) {
  const button = document.createElement("button");
  button.type = "button";
  button.style.background = code;
  button.title = code;
  button.setAttribute("aria-label", `${zone} in ${code}`);
  button.addEventListener("click", () => setColour(zone, code));
  return button;
}

function setColour(zone, code) {
  if (code) state.colour[zone] = code;
  else delete state.colour[zone];
  refresh();
}

for (const row of document.querySelectorAll(".zone")) {
  const zone = row.dataset.zone;
  row.querySelector("input").addEventListener("change", event => setColour(zone, event.target.value));
  row.querySelector(".reset").addEventListener("click", () => setColour(zone, null));
}
for (const name of SLIDERS) {
  at(name).addEventListener("input", () => {
    state.touched[name] = true;
    at(name).nextElementSibling.textContent = at(name).value;
    refresh();
  });
}
for (const id of ["size", "background", "paste", "keep"]) at(id).addEventListener("change", refresh);
at("compare").addEventListener("input", split);
at("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(at("command").textContent);
  at("copied").textContent = "Copied.";
});
at("restore").addEventListener("click", () => {
  state.touched = {};
  state.colour = {};
  for (const name of SLIDERS) {
    at(name).value = at(name).defaultValue;
    at(name).nextElementSibling.textContent = at(name).nextElementSibling.defaultValue;
  }
  at("keep").querySelectorAll("input").forEach(one => { one.checked = false; });
  at("background").value = "keep";
  at("size").value = "";
  refresh();
});

ask("domains").then(found => {
  domains = found.domains;
  if (!domains.length) throw new Error("No world is installed: run pip install on a package of one.");
  state.domain = (domains.find(one => one.name === "sketch") || domains[0]).name;
  showWorlds();
  return openExample();
}).catch(complain);
split();
