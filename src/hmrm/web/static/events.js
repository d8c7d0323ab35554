// The list of events: sorted, filtered, one of them selected.
import { element, seconds, words } from "./dom.js";

const STATUS = { open: "to look at", accepted: "accepted", rejected: "rejected" };
const COLUMNS = [
  ["status", (one) => Object.keys(STATUS).indexOf(one.status)],
  ["class", (one) => one.label],
  ["onset", (one) => one.onset],
  ["length", (one) => one.offset_s - one.onset_s],
  ["region", (one) => one.region],
  ["salience", (one) => one.salience ?? -1],
];
const KINDS = {
  all: ["all", () => true],
  open: ["to look at", (one) => one.status === "open"],
  kept: ["kept", (one) => one.status !== "rejected"],
  rejected: ["rejected", (one) => one.status === "rejected"],
};

export class EventList {
  constructor(actions) {
    this.actions = actions;
    this.events = [];
    this.shown = [];
    this.sort = ["onset", 1];
    const filter = (id, label, options) => {
      const choice = element("select", { id, onchange: () => this.draw() }, options.map(([value, text]) => element("option", { value }, text)));
      return [element("label", { for: id }, `${label} `), choice];
    };
    this.count = element("span", { class: "soft", role: "status" });
    const [kindLabel, kind] = filter("filter-kind", "Show", Object.entries(KINDS).map(([value, [text]]) => [value, text]));
    const [labelLabel, label] = filter("filter-label", "Class", [["", "all"]]);
    const [faceLabel, face] = filter("filter-face", "Face", [["", "all"]]);
    Object.assign(this, { kind, label, face, selected: null });
    this.faceBox = element("span", {}, faceLabel, face);
    this.body = element("tbody");
    const heads = COLUMNS.map(([name]) => element("th", { scope: "col", "data-column": name }, element("button", { type: "button", onclick: () => this.sortBy(name) }, name)));
    this.heads = heads;
    this.element = element("div", {}, element("h2", {}, "Events"),
      element("div", { class: "controls" }, element("span", {}, kindLabel, kind), element("span", {}, labelLabel, label), this.faceBox, this.count),
      element("div", { class: "scroll list", tabindex: 0, role: "region", "aria-label": "List of events" },
        element("table", { class: "cards", id: "events" }, element("thead", {}, element("tr", {}, heads)), this.body)));
  }

  update(events, selected) {
    this.events = events;
    this.selected = selected;
    this.options(this.label, [...new Set(events.map((one) => one.label))].sort(), (value) => value || "not classified", true);
    const faces = [...new Set(events.map((one) => one.face_id))].sort((a, b) => a - b);
    this.options(this.face, faces, (value) => this.actions.names()[value] ?? `face ${value}`);
    this.faceBox.hidden = faces.length < 2;
    this.draw();
  }

  // "=" before a value keeps "not classified" apart from "all".
  options(choice, values, text) {
    const before = choice.value;
    choice.replaceChildren(element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value: `=${value}` }, text(value))));
    choice.value = before;
    if (choice.selectedIndex < 0) choice.value = "";
  }

  sortBy(name) {
    this.sort = [name, this.sort[0] === name ? -this.sort[1] : 1];
    this.draw();
  }

  draw() {
    const [name, direction] = this.sort;
    const value = COLUMNS.find(([column]) => column === name)[1];
    const fits = (one) => KINDS[this.kind.value][1](one)
      && (!this.label.value || this.label.value === `=${one.label}`)
      && (!this.face.value || this.face.value === `=${one.face_id}`);
    this.shown = this.events.filter(fits).sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return (x < y ? -1 : x > y ? 1 : a.onset - b.onset) * direction;
    });
    for (const head of this.heads) {
      const own = head.dataset.column === name;
      head.setAttribute("aria-sort", own ? (direction > 0 ? "ascending" : "descending") : "none");
    }
    const focused = document.activeElement?.closest?.("tr")?.dataset.key;
    this.body.replaceChildren(...this.shown.map((one) => this.row(one)));
    this.count.textContent = `${this.shown.length} of ${this.events.length} shown`;
    if (focused) this.body.querySelector(`tr[data-key="${focused}"] button`)?.focus();
    this.mark(this.selected);
  }

  row(one) {
    const chip = element("span", { class: "chip" }, one.label || "not classified");
    chip.style.background = this.actions.colour(one.label);
    const cell = (label, ...content) => element("td", { "data-label": label }, element("span", {}, content));
    const name = `${one.status === "rejected" ? "rejected " : ""}event at frame ${one.onset}`;
    return element("tr", { "data-key": one.key, class: one.status, onclick: () => this.actions.select(one.key) },
      cell("status", element("button", { type: "button", class: "pick", "aria-label": `select ${name}` }, STATUS[one.status]),
        one.origin === "added" ? " added" : null, one.reason ? element("span", { class: "soft" }, ` ${one.reason}`) : null),
      cell("class", chip, one.changed.length ? element("span", { class: "soft", title: `${one.changed.join(" and ")} by the coder` }, " ✎") : null,
        one.comments.length ? element("span", { class: "soft", title: one.comments.join("\n") }, " 💬") : null),
      cell("onset", `${one.onset}`, element("span", { class: "soft" }, ` ${seconds(one.onset_s)}`)),
      cell("length", seconds(one.offset_s - one.onset_s)),
      cell("region", words(one.region)),
      cell("salience", one.salience === null ? element("span", { title: "not measured", class: "soft" }, "none") : one.salience.toFixed(2)));
  }

  mark(key) {
    this.selected = key;
    for (const row of this.body.rows) {
      const own = row.dataset.key === key;
      row.classList.toggle("selected", own);
      if (own) {
        row.setAttribute("aria-current", "true");
        const box = row.closest(".list");
        const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
        if (top < box.scrollTop + 30) box.scrollTop = top - 30;
        else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
      } else row.removeAttribute("aria-current");
    }
  }
}
