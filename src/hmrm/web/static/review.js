// The review of one video: its state, and what keys and buttons do to it.
import { announce, attempt, element, get, request, words } from "./dom.js";
import { Detail } from "./detail.js";
import { EventList } from "./events.js";
import { listen, showKeys } from "./keys.js";
import { Timeline, nearest, ordered } from "./timeline.js";
import { Viewer } from "./viewer.js";

export async function showReview(main, settings, id, frame) {
  const job = await get(`/api/jobs/${id}`);
  if (job.state !== "done") {
    main.replaceChildren(element("h1", {}, job.name), element("p", {}, `${job.state}; `, element("a", { href: "#/" }, "back to the videos")));
    return () => {};
  }
  const view = await get(`/api/jobs/${id}/view`);
  const page = new Review(settings, job, view);
  await page.load();
  main.replaceChildren(...page.parts);
  const start = Number.parseInt(frame, 10);
  const first = page.list.shown.find((one) => one.status === "open") ?? page.list.shown[0];
  if (Number.isInteger(start) && start >= 0 && start < view.frame_count) {
    const there = page.review.events.find((one) => one.onset <= start && start <= one.offset);
    if (there) page.select(there.key);
    page.seek(start);
  } else if (first) page.select(first.key);
  else page.seek(0);
  return () => page.close();
}

class Review {
  constructor(settings, job, view) {
    this.settings = settings;
    this.job = job;
    this.view = view;
    this.frame = 0;
    this.selected = null;
    this.adding = null;
    this.waiting = Promise.resolve();
    document.title = `hmrm: ${job.name}`;
    const colour = (label) => settings.info.colours[label.startsWith("unclear") ? "none" : label] ?? settings.info.colours[""];
    this.viewer = new Viewer(job, view, { seek: (frame) => this.seek(frame) });
    this.timeline = new Timeline(view, {
      seek: (frame) => this.seek(frame),
      select: (key) => this.select(key),
      move: (key, onset, apex, offset) => this.edit({ kind: "move", event: key, onset, apex, offset }),
      colour,
    });
    this.list = new EventList({ select: (key) => this.select(key), colour, names: () => this.review.face_names });
    this.detail = new Detail(this, colour);
    this.progress = element("p", { class: "soft progress" });
    this.build();
    this.stopKeys = listen(this.keys());
  }

  build() {
    const button = (text, action, key) => element("button", { type: "button", onclick: action, title: `key ${key}` }, text);
    this.undoButton = button("Undo", () => this.edit({ kind: "undo" }), "u");
    this.redoButton = button("Redo", () => this.edit({ kind: "redo" }), "y");
    this.addButton = button("Add event", () => this.add(), "i");
    this.finishButton = button("Finish video", () => this.edit({ kind: "finish" }), "f");
    this.parts = [
      element("h1", {}, this.job.name),
      this.progress,
      element("div", { class: "controls toolbar", role: "toolbar", "aria-label": "Edits" },
        this.undoButton, this.redoButton, this.addButton, this.finishButton,
        button("Keys", showKeys, "?"), this.exports()),
      element("div", { class: "review" },
        element("div", { class: "left" },
          element("section", { class: "viewer-box" }, this.viewer.element),
          element("section", {}, element("h2", { class: "unseen" }, "Timeline"), this.timeline.element)),
        element("section", { class: "list-box" }, this.list.element),
        element("section", { class: "detail-box" }, this.detail.element)),
      this.faceBox = element("section", { class: "faces-box" }),
      element("section", { class: "notices" }, element("h2", {}, "What to know of this video"), this.notices = element("ul")),
      element("section", { class: "caution" },
        element("p", {}, this.settings.info.reliability, " ", element("a", { href: "#/use" }, "What this must not be used for"))),
    ];
  }

  exports() {
    const choice = element("select", { id: "format" }, this.settings.info.formats.map((one) => element("option", { value: one.name }, `${one.name} (${one.program})`)));
    const blurred = element("input", { type: "checkbox", id: "blurred" });
    const asked = element("label", { for: "blurred", hidden: true }, blurred, " faces blurred ");
    choice.addEventListener("change", () => { asked.hidden = choice.value !== "mp4"; });
    const go = element("button", { type: "button", onclick: () => this.download(choice.value, blurred.checked) }, "Export");
    return element("span", { class: "exports" }, element("label", { for: "format" }, "Export "), choice, asked, go,
      element("a", { href: `/api/jobs/${this.job.id}/report`, download: true }, "Report as found"));
  }

  download(format, blurred) {
    const coder = encodeURIComponent(this.settings.coder());
    const blur = format === "mp4" && blurred ? "&blur_faces=1" : "";
    if (format === "mp4") announce("the annotated video is being made; the download starts when it is ready");
    const link = element("a", { href: `/api/jobs/${this.job.id}/export?format=${format}&coder=${coder}${blur}`, download: true });
    document.body.append(link);
    link.click();
    link.remove();
  }

  keys() {
    const current = (change) => () => this.selected && this.edit({ event: this.selected, ...change });
    const go = (step) => () => this.seek(this.frame + step);
    return {
      ArrowRight: go(1), ArrowLeft: go(-1), "Shift+ArrowRight": go(10), "Shift+ArrowLeft": go(-10),
      Home: () => this.seek(0), End: () => this.seek(this.view.frame_count - 1),
      n: () => this.step(1), p: () => this.step(-1),
      a: current({ kind: "accept" }), r: current({ kind: "reject" }), o: current({ kind: "reopen" }),
      l: () => this.detail.focusLabel(), c: () => this.detail.focusComment(),
      "[": () => this.border("onset"), k: () => this.border("apex"), "]": () => this.border("offset"),
      i: () => this.add(), u: () => this.edit({ kind: "undo" }), y: () => this.edit({ kind: "redo" }),
      "Ctrl+z": () => this.edit({ kind: "undo" }), "Ctrl+Shift+Z": () => this.edit({ kind: "redo" }),
      f: () => this.edit({ kind: "finish" }), b: () => this.detail.blink(),
      " ": () => this.viewer.togglePlay(), Escape: () => this.stopAdding(),
      "+": () => this.timeline.zoom(0.5), "-": () => this.timeline.zoom(2), 0: () => this.timeline.zoom(Infinity),
      z: () => this.current() && this.timeline.zoomTo(this.current()),
      ...Object.fromEntries(this.settings.info.classes.map((label, i) => [String(i + 1), current({ kind: "relabel", label })])),
      "?": showKeys,
    };
  }

  async load() {
    const coder = encodeURIComponent(this.settings.coder());
    this.show(await get(`/api/jobs/${this.job.id}/review?coder=${coder}`));
  }

  show(review) {
    this.review = review;
    const { events } = review;
    if (this.selected && !events.some((one) => one.key === this.selected)) this.selected = null;
    this.undoButton.disabled = !review.undo;
    this.redoButton.disabled = !review.redo;
    this.undoButton.textContent = review.undo ? `Undo ${words(review.undo)}` : "Undo";
    this.redoButton.textContent = review.redo ? `Redo ${words(review.redo)}` : "Redo";
    this.finishButton.disabled = review.finished;
    this.finishButton.textContent = review.finished ? "Finished" : "Finish video";
    const open = events.filter((one) => one.status === "open").length;
    const kept = events.filter((one) => one.status !== "rejected").length;
    this.progress.textContent = review.coder
      ? `Coding as ${review.coder}: ${open} to look at, ${kept} kept, ${events.length - kept} rejected, ${review.edits} edits.`
      : "Give a coder's name above to edit; other coders do not see your edits.";
    this.list.update(events, this.selected);
    this.notices.replaceChildren(...review.notices.map((one) => element("li", {}, one.message)));
    this.showFaces();
    this.refresh();
  }

  refresh() {
    const one = this.current();
    this.timeline.update({ events: this.review.events, selected: this.selected, frame: this.frame, face: one ? one.face_id : null });
    this.list.mark(this.selected);
    this.detail.update(one);
  }

  showFaces() {
    const { review, view } = this;
    if (!view.faces.length) { this.faceBox.hidden = true; return; }
    const name = (id) => review.face_names[id] ?? `face ${id}`;
    const cards = view.faces.map((face) => {
      const box = element("span", {});
      [box.style.left, box.style.top, box.style.width, box.style.height] = face.box_percent.map((part) => `${part}%`);
      const input = element("input", { value: review.face_names[face.face_id] ?? "", maxlength: 60, "aria-label": `name of face ${face.face_id}`, size: 14,
        onchange: () => this.edit({ kind: "name_face", face_id: face.face_id, text: input.value }) });
      const others = view.faces.filter((other) => other !== face);
      const merge = others.length ? element("select", { "aria-label": `merge face ${face.face_id} into`,
        onchange: (event) => event.target.value && this.edit({ kind: "merge_face", face_id: face.face_id, into: Number(event.target.value) }) },
      element("option", { value: "" }, "merge into …"), others.map((other) => element("option", { value: other.face_id }, name(other.face_id)))) : null;
      return element("figure", {}, element("div", { class: "frame" }, element("img", { src: face.image, alt: `frame ${face.frame} with ${name(face.face_id)} marked` }), box),
        element("figcaption", {}, `${name(face.face_id)} `, input, merge));
    });
    const subject = view.faces.length > 1 ? element("label", {}, "Subject: events of ", element("select", { id: "subject",
      onchange: (event) => this.edit(event.target.value === "-1" ? { kind: "choose_subject" } : { kind: "choose_subject", face_id: Number(event.target.value) }) },
    element("option", { value: -1 }, "every face"), view.faces.map((face) => element("option", { value: face.face_id }, name(face.face_id)))), " count") : null;
    if (subject) subject.querySelector("select").value = review.subject;
    this.faceBox.replaceChildren(element("h2", {}, view.faces.length > 1 ? "Faces" : "Face"), element("div", { class: "faces" }, cards), ...(subject ? [subject] : []));
  }

  current() { return this.review.events.find((one) => one.key === this.selected) ?? null; }

  // Edits go out one after the other, in the order of the keys.
  edit(change) {
    if (!this.settings.coder()) {
      announce("give a coder's name first, at the top", true);
      document.getElementById("coder").focus();
      return Promise.resolve();
    }
    this.waiting = this.waiting.then(() => attempt(async () => {
      const coder = encodeURIComponent(this.settings.coder());
      this.show(await request("POST", `/api/jobs/${this.job.id}/edits?coder=${coder}`, change));
      announce(words(change.kind));
    }));
    return this.waiting;
  }

  seek(frame) {
    this.frame = Math.min(Math.max(frame, 0), this.view.frame_count - 1);
    this.viewer.show(this.frame);
    this.timeline.moveCursor(this.frame);
    if (this.adding !== null) this.viewer.note(`adding: onset ${this.adding}; go to the offset and press i`);
  }

  select(key) {
    this.selected = key;
    const one = this.current();
    if (one) this.seek(one.apex);
    this.refresh();
  }

  step(by) {
    const keys = this.list.shown.map((one) => one.key);
    if (!keys.length) return;
    const place = keys.indexOf(this.selected);
    this.select(keys[Math.min(Math.max(place < 0 ? 0 : place + by, 0), keys.length - 1)]);
  }

  border(name) {
    const one = this.current();
    if (!one) return;
    const borders = { onset: one.onset, apex: one.apex, offset: one.offset, [name]: this.frame };
    const [onset, apex, offset] = ordered(borders, name);
    this.edit({ kind: "move", event: one.key, onset, apex, offset });
  }

  // The first press marks the onset, the second the offset; the apex is the highest position.
  async add() {
    if (this.adding === null) {
      this.adding = this.frame;
      this.addButton.textContent = "Add: offset here";
      this.seek(this.frame);
      return;
    }
    const [onset, offset] = [Math.min(this.adding, this.frame), Math.max(this.adding, this.frame)];
    this.stopAdding();
    const face = this.current()?.face_id ?? (this.review.subject >= 0 ? this.review.subject : this.review.faces[0] ?? 0);
    const before = new Set(this.review.events.map((one) => one.key));
    await this.edit({ kind: "add", onset, apex: this.highest(face, onset, offset), offset, face_id: face });
    const added = this.review.events.find((one) => !before.has(one.key));
    if (added) this.select(added.key);
  }

  stopAdding() {
    this.adding = null;
    this.addButton.textContent = "Add event";
    this.viewer.note("");
  }

  highest(face, onset, offset) {
    const middle = nearest(this.view.times_s, (this.view.times_s[onset] + this.view.times_s[offset]) / 2);
    const curves = this.view.curves.find((one) => one.face_id === face);
    let [best, most] = [middle, -1];
    curves?.frames.forEach((frame, i) => {
      const value = curves.position[i];
      if (frame >= onset && frame <= offset && value !== null && value > most) [best, most] = [frame, value];
    });
    return best;
  }

  close() {
    this.stopKeys();
    this.timeline.close();
    this.viewer.close();
    this.detail.close();
  }
}
