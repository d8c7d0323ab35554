// Position, change and events over time: zoomable, with borders that can be moved.
import { element, shape, words } from "./dom.js";

const LEFT = 40;
const RIGHT = 8;
const POSITION = { top: 20, bottom: 92, key: "position", least: 1.5, title: "position (thresholds; dashed: the least that counts)" };
const CHANGE = { top: 116, bottom: 176, key: "change", least: 0.25, title: "change (px of the 224 px crop)" };
const HEIGHT = 202;
const SHORTEST_S = 0.1;

export class Timeline {
  // actions: seek(frame), select(key), move(key, onset, apex, offset), colour(label)
  constructor(view, actions) {
    this.view = view;
    this.actions = actions;
    this.end = Math.max(view.times_s.at(-1) ?? 0, view.duration_s, 1e-3);
    this.from = 0;
    this.to = this.end;
    this.svg = shape("svg", { class: "timeline live", role: "group", "aria-label": "Timeline" });
    this.svg.addEventListener("pointerdown", (event) => this.scrub(event));
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    const button = (text, label, action) => element("button", { type: "button", "aria-label": label, title: label, onclick: action }, text);
    this.range = element("span", { class: "soft" });
    this.element = element("div", { class: "timeline-box" },
      element("div", { class: "controls" },
        button("+", "Zoom in (key +)", () => this.zoom(0.5)), button("−", "Zoom out (key -)", () => this.zoom(2)),
        button("All", "Whole video (key 0)", () => this.zoom(Infinity)),
        button("←", "Earlier", () => this.pan(-0.5)), button("→", "Later", () => this.pan(0.5)), this.range),
      this.svg);
    this.state = { events: [], selected: null, frame: 0, face: null };
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.element);
  }

  close() { this.observer.disconnect(); }

  update(state) {
    Object.assign(this.state, state);
    this.draw();
  }

  moveCursor(frame) {
    this.state.frame = frame;
    const time = this.view.times_s[frame];
    if (this.to < this.end || this.from > 0) {
      if (time < this.from || time > this.to) { this.centre(time); return; }
    }
    const x = this.x(time);
    this.cursor?.setAttribute("x1", x);
    this.cursor?.setAttribute("x2", x);
  }

  centre(time) {
    const span = this.to - this.from;
    this.from = Math.min(Math.max(time - span / 2, 0), this.end - span);
    this.to = this.from + span;
    this.draw();
  }

  zoom(factor) {
    const span = Math.min(Math.max((this.to - this.from) * factor, SHORTEST_S), this.end);
    this.to = this.from + span;
    this.centre(this.view.times_s[this.state.frame] ?? 0);
  }

  // An event with as much again on both sides.
  zoomTo(one) {
    const span = Math.min(Math.max(3 * (one.offset_s - one.onset_s), SHORTEST_S), this.end);
    this.to = this.from + span;
    this.centre((one.onset_s + one.offset_s) / 2);
  }

  pan(part) { this.centre((this.from + this.to) / 2 + part * (this.to - this.from)); }

  wheel(event) {
    if (event.ctrlKey || event.altKey) {
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
    } else if (event.deltaX && this.to - this.from < this.end) {
      event.preventDefault();
      this.pan(event.deltaX / this.width);
    }
  }

  x(time) { return LEFT + (this.width - LEFT - RIGHT) * ((time - this.from) / (this.to - this.from)); }

  frameAt(event) {
    const box = this.svg.getBoundingClientRect();
    const part = (event.clientX - box.left - LEFT) / Math.max(this.width - LEFT - RIGHT, 1);
    return nearest(this.view.times_s, this.from + Math.min(Math.max(part, 0), 1) * (this.to - this.from));
  }

  scrub(event) {
    if (event.button !== 0) return;
    const band = event.target.closest("[data-key]");
    const handle = event.target.closest("[data-border]");
    if (handle) { this.dragBorder(event, handle.dataset.border); return; }
    if (band) this.actions.select(band.dataset.key);
    else this.actions.seek(this.frameAt(event));
    const moved = (next) => { if (next.buttons) this.actions.seek(this.frameAt(next)); };
    if (!band) this.follow(event, moved, () => {});
  }

  follow(event, moved, done) {
    this.svg.setPointerCapture(event.pointerId);
    const end = (last) => {
      this.svg.removeEventListener("pointermove", moved);
      this.svg.removeEventListener("pointerup", end);
      this.svg.removeEventListener("pointercancel", end);
      done(last);
    };
    this.svg.addEventListener("pointermove", moved);
    this.svg.addEventListener("pointerup", end);
    this.svg.addEventListener("pointercancel", end);
  }

  dragBorder(event, border) {
    const one = this.state.events.find((each) => each.key === this.state.selected);
    const borders = { onset: one.onset, apex: one.apex, offset: one.offset };
    const moved = (next) => {
      const frame = this.frameAt(next);
      borders[border] = frame;
      this.actions.seek(frame);
    };
    this.follow(event, moved, (last) => {
      if (last.type === "pointercancel" || borders[border] === one[border]) return;
      this.actions.move(one.key, ...ordered(borders, border));
    });
  }

  draw() {
    this.width = Math.max(this.element.clientWidth, 240);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.style.height = `${HEIGHT}px`;
    this.range.textContent = `${this.from.toFixed(2)} to ${this.to.toFixed(2)} s`;
    const curves = this.view.curves.find((one) => one.face_id === this.state.face) ?? this.view.curves[0];
    this.svg.replaceChildren(
      ...this.bands(), ...this.panel(POSITION, curves), ...this.panel(CHANGE, curves), ...this.ticks(),
      ...this.handles(), this.drawCursor());
  }

  bands() {
    const shown = this.state.events.filter((one) => one.offset_s >= this.from && one.onset_s <= this.to
      && (this.state.face === null || one.face_id === this.state.face));
    shown.sort((a, b) => (a.key === this.state.selected) - (b.key === this.state.selected));
    return shown.map((one) => {
      const left = Math.max(this.x(one.onset_s), LEFT);
      const right = Math.min(Math.max(this.x(one.offset_s), left + 3), this.width - RIGHT);
      const title = shape("title");
      title.textContent = `${one.status === "rejected" ? "rejected: " : ""}${one.label || "not classified"}, frames ${one.onset} to ${one.offset}, ${words(one.region)}`;
      const rect = shape("rect", { x: left, y: POSITION.top, width: Math.max(right - left, 1), height: CHANGE.bottom - POSITION.top });
      const group = shape("g", { "data-key": one.key, class: `band ${one.status}${one.key === this.state.selected ? " selected" : ""}` }, title, rect);
      if (one.status !== "rejected") rect.style.fill = this.actions.colour(one.label);
      const apex = this.x(one.apex_s);
      if (one.status !== "rejected" && apex >= LEFT && apex <= this.width - RIGHT) {
        const line = shape("line", { x1: apex, x2: apex, y1: POSITION.top, y2: CHANGE.bottom, "stroke-width": 2 });
        line.style.stroke = this.actions.colour(one.label);
        group.append(line);
      }
      return group;
    });
  }

  panel(panel, curves) {
    const top = niceTop(Math.max(curves ? largest(curves[panel.key]) : 0, panel.least));
    const y = (value) => panel.bottom - (panel.bottom - panel.top) * Math.min(value / top, 1);
    const label = (text, x, at, anchor) => {
      const made = shape("text", { x, y: at, "text-anchor": anchor });
      made.textContent = text;
      return made;
    };
    const parts = [label(panel.title, LEFT, panel.top - 6, "start")];
    for (const value of [0, top / 2, top]) {
      parts.push(shape("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y(value), y2: y(value) }));
      parts.push(label(String(value), LEFT - 5, y(value) + 4, "end"));
    }
    if (panel === POSITION) {
      parts.push(shape("line", { class: "mark", x1: LEFT, x2: this.width - RIGHT, y1: y(1), y2: y(1) }));
    }
    if (curves) parts.push(shape("path", { class: panel === POSITION ? "position" : "motion", d: this.path(curves, panel.key, y) }));
    return parts;
  }

  // Of each px of width the smallest and the largest value, so that no peak disappears.
  path(curves, key, y) {
    const { times_s: times } = this.view;
    const first = Math.max(lowerBound(curves.frames, nearest(times, this.from)) - 1, 0);
    const last = Math.min(lowerBound(curves.frames, nearest(times, this.to)) + 1, curves.frames.length - 1);
    let d = "";
    let column = null;
    let low = 0;
    let high = 0;
    let before = -2;
    const flush = () => {
      if (column === null) return;
      d += `L${column} ${y(low).toFixed(1)}`;
      if (high !== low) d += `L${column} ${y(high).toFixed(1)}`;
      column = null;
    };
    for (let i = first; i <= last; i += 1) {
      const value = curves[key][i];
      if (value === null) continue;
      const frame = curves.frames[i];
      const x = Math.round(Math.min(Math.max(this.x(times[frame]), LEFT), this.width - RIGHT));
      if (frame - before > 3 || !d) { flush(); d += `M${x} ${y(value).toFixed(1)}`; }
      before = frame;
      if (x !== column) { flush(); column = x; low = value; high = value; }
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    flush();
    return d || "M0 0";
  }

  ticks() {
    const span = this.to - this.from;
    const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600].find((one) => span / one <= this.width / 80) ?? 1800;
    const made = [];
    for (let i = Math.ceil(this.from / step); i * step <= this.to; i += 1) {
      const time = Number((i * step).toFixed(3));
      const text = shape("text", { x: this.x(time), y: HEIGHT - 6, "text-anchor": i * step > this.to - span / 20 ? "end" : "middle" });
      text.textContent = `${time} s`;
      made.push(text);
    }
    return made;
  }

  handles() {
    const one = this.state.events.find((each) => each.key === this.state.selected);
    if (!one) return [];
    return ["onset", "apex", "offset"].map((border) => {
      const x = this.x(one[`${border}_s`]);
      const title = shape("title");
      title.textContent = `drag to move the ${border}`;
      return shape("g", { class: "handle", "data-border": border }, title,
        shape("rect", { x: x - 7, y: CHANGE.bottom - 4, width: 14, height: 24, class: "grip" }),
        shape("path", { d: border === "apex" ? `M${x} ${CHANGE.bottom}l5 9h-10z` : `M${x - 3} ${CHANGE.bottom}h6v14h-6z` }));
    });
  }

  drawCursor() {
    const x = this.x(this.view.times_s[this.state.frame] ?? 0);
    this.cursor = shape("line", { class: "cursor", x1: x, x2: x, y1: 8, y2: CHANGE.bottom + 6 });
    return this.cursor;
  }
}

// Onset, apex and offset in order after one of them was moved: the others give way.
export function ordered({ onset, apex, offset }, moved) {
  if (moved === "onset") return [onset, Math.max(apex, onset), Math.max(offset, onset)];
  if (moved === "offset") return [Math.min(onset, offset), Math.min(apex, offset), offset];
  return [Math.min(onset, apex), apex, Math.max(offset, apex)];
}

export function lowerBound(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

export function nearest(times, time) {
  const after = Math.min(lowerBound(times, time), times.length - 1);
  return after > 0 && time - times[after - 1] < times[after] - time ? after - 1 : after;
}

function largest(values) {
  let most = 0;
  for (const value of values) if (value !== null && value > most) most = value;
  return most;
}

const niceTop = (value) => [0.25, 0.5, 1, 2, 4, 8, 16].find((top) => value <= top) ?? Math.ceil(value / 10) * 10;
