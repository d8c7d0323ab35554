"use strict";
document.documentElement.classList.add("scripted");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

// Comparator: two images in turn, at the same place.
for (const box of document.querySelectorAll(".compare")) {
  const face = box.querySelector(".crop");
  const show = (which) => {
    face.className = "crop " + which;
    face.setAttribute("aria-label", which === "magnified" ? "face with magnified motion" : "face at the " + which);
    box.querySelector(".shown").textContent = which;
  };
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; blink.setAttribute("aria-pressed", "false"); };
  const blink = box.querySelector("[data-do=blink]");
  const buttons = [...box.querySelectorAll("[data-show]")];
  const other = buttons.map((button) => button.dataset.show).find((which) => which !== "onset");
  for (const button of buttons) button.addEventListener("click", () => { stop(); show(button.dataset.show); });
  blink.addEventListener("click", () => {
    if (timer !== null) { stop(); return; }
    blink.setAttribute("aria-pressed", "true");
    timer = setInterval(() => show(face.classList.contains("onset") ? other : "onset"), still ? 2000 : 500);
  });
}

// The table of events: sorted by a column, filtered by class, length, face and flags.
const table = document.getElementById("events");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  for (const button of table.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.cells[head.cellIndex].dataset.value ?? row.cells[head.cellIndex].textContent.trim();
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        const [m, n] = [parseFloat(x), parseFloat(y)];
        return Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : m - n;
      };
      rows.sort((a, b) => (up ? order(a, b) : order(b, a)));
      body.append(...rows);
    });
  }
  const controls = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const filter = () => {
    const chosen = Object.fromEntries(new FormData(controls));
    let count = 0;
    for (const row of rows) {
      const fits = ["class", "kind", "face"].every((key) => !chosen[key] || row.dataset[key] === chosen[key])
        && (!chosen.flags || row.dataset.flags === "0");
      row.hidden = !fits;
      document.getElementById("event-" + row.dataset.event).hidden = !fits;
      count += fits;
    }
    shown.textContent = count + " of " + rows.length + " events shown";
  };
  controls.addEventListener("change", filter);
  controls.addEventListener("reset", () => setTimeout(filter));
  controls.addEventListener("submit", (event) => event.preventDefault());
}
