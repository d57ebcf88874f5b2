// Keys, and scores that are not sent yet: without this file the page is an ordinary form.
"use strict";

const form = document.getElementById("scores");
const rows = [...form.querySelectorAll("fieldset")];
const marks = row => [...row.querySelectorAll("input")];
const chosen = row => marks(row).findIndex(mark => mark.checked);
// A draft belongs to what was kept when it was begun: scores from another tab make it void.
const draft = `scores of ${form.dataset.key} after ${form.elements.seen.value}`;

// What is focused is the mark that is chosen, or the first: the browser's own rule for radios.
const focusRow = row => marks(row)[Math.max(0, chosen(row))].focus();
const currentRow = () => Math.max(0, rows.findIndex(row => row.contains(document.activeElement)));

function choose(row, place) {
  const mark = marks(row)[place];
  mark.checked = true;
  mark.focus();
  keep();
}

function keep() {
  sessionStorage.setItem(draft, JSON.stringify(rows.map(chosen)));
}

function restore() {
  const places = JSON.parse(sessionStorage.getItem(draft) || "[]");
  places.forEach((place, i) => { if (place >= 0) marks(rows[i])[place].checked = true; });
}

function move(step) {
  focusRow(rows[Math.min(rows.length - 1, Math.max(0, currentRow() + step))]);
}

function shift(step) {
  const row = rows[currentRow()], last = marks(row).length - 1;
  choose(row, Math.min(last, Math.max(0, chosen(row) + step)));
}

function score(digit) {
  choose(rows[currentRow()], (digit + 9) % 10);
  move(1);
}

function goOn() {
  const open = rows.find(row => chosen(row) < 0);
  if (open) focusRow(open);
  else form.requestSubmit();
}

const keys = {
  ArrowUp: () => move(-1),
  ArrowDown: () => move(1),
  ArrowLeft: () => shift(-1),
  ArrowRight: () => shift(1),
  Backspace: () => { if (form.dataset.back) location.href = form.dataset.back; },
};

addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const inControl = event.target.closest("a, button");
  let act = keys[event.key];
  if (/^[0-9]$/.test(event.key)) act = () => score(Number(event.key));
  if (event.key === "Enter" && !inControl) act = goOn;
  if (!act) return;
  event.preventDefault();
  act();
});
form.addEventListener("change", keep);

let sent = false;
form.addEventListener("submit", event => {
  if (sent) event.preventDefault();  // a second Enter sends nothing twice
  sent = true;
});
addEventListener("pageshow", () => { sent = false; });

restore();
focusRow(rows.find(row => chosen(row) < 0) || rows[0]);
