// One event in full: what it is, what moved, and what a coder says of it.
import { attempt, element, fragment, get, seconds, words } from "./dom.js";
import { paint } from "./frames.js";

const BLINK_MS = 350;
const MAGNIFIED = "magnified";

export class Detail {
  constructor(review, colour) {
    this.review = review;
    this.colour = colour;
    this.element = element("div", { class: "detail" });
    this.images = new Map();
    this.key = "";
    this.timer = 0;
  }

  update(one) {
    const state = JSON.stringify(one);
    if (this.state === state) return;
    this.state = state;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.id : "";
    const unsent = this.comment && this.key === one?.key ? this.comment.value : "";
    clearInterval(this.timer);
    this.key = one?.key;
    if (!one) {
      this.element.replaceChildren(element("p", { class: "soft" }, "No event is selected."));
      return;
    }
    this.pictures = element("div", { class: "shown" });
    this.element.replaceChildren(this.head(one), this.actions(one), this.borders(one), this.facts(one), this.pictures, this.comments(one, unsent));
    this.showImages(one);
    if (focused) document.getElementById(focused)?.focus();
  }

  head(one) {
    const chip = element("span", { class: "chip" }, one.label || "not classified");
    chip.style.background = this.colour(one.label);
    const name = this.review.review.face_names[one.face_id] ?? `face ${one.face_id}`;
    const origin = { found: "", candidate: `, a candidate that was rejected ${one.reason}`, added: ", added by the coder" }[one.origin];
    const motion = one.origin === "added" ? "" : `, ${one.motion_px === null ? "motion not measured" : `${one.motion_px.toFixed(2)} px`}`;
    return element("div", {}, element("h2", {}, `Event at frame ${one.onset} `, chip),
      element("p", { class: "soft" }, `${name}, ${words(one.region)}${motion}; ${one.length}, ${seconds(one.offset_s - one.onset_s)}${origin}. `,
        element("strong", { class: "status-word" }, { open: "To look at.", accepted: "Accepted.", rejected: "Rejected." }[one.status])));
  }

  actions(one) {
    const edit = (kind) => () => this.review.edit({ kind, event: one.key });
    const button = (text, kind, key) => element("button", { type: "button", id: `do-${kind}`, title: `key ${key}`, onclick: edit(kind) }, text);
    const labels = [...new Set(["", ...this.review.settings.info.classes, one.label])];
    this.label = element("select", { id: "label", onchange: () => this.review.edit({ kind: "relabel", event: one.key, label: this.label.value }) },
      labels.map((label) => element("option", { value: label }, label || "not classified")));
    this.label.value = one.label;
    return element("div", { class: "controls" }, button(one.origin === "candidate" ? "Take up" : "Accept", "accept", "a"), button("Reject", "reject", "r"), button("Reopen", "reopen", "o"),
      element("span", {}, element("label", { for: "label" }, "Class "), this.label));
  }

  borders(one) {
    const inputs = {};
    const send = () => this.review.edit({ kind: "move", event: one.key, onset: inputs.onset.valueAsNumber, apex: inputs.apex.valueAsNumber, offset: inputs.offset.valueAsNumber });
    const field = (name, key) => {
      inputs[name] = element("input", { type: "number", id: `border-${name}`, min: 0, max: this.review.view.frame_count - 1, value: one[name], onchange: send });
      return element("span", { class: "border" }, element("label", { for: `border-${name}` }, name), inputs[name],
        element("button", { type: "button", "aria-label": `show the ${name}`, title: `show the ${name}`, onclick: () => this.review.seek(one[name]) }, "show"),
        element("button", { type: "button", "aria-label": `${name} is the frame on screen`, title: `key ${key}`, onclick: () => this.review.border(name) }, "here"));
    };
    return element("div", { class: "borders" }, field("onset", "["), field("apex", "k"), field("offset", "]"));
  }

  facts(one) {
    const flags = one.flags.map((flag) => element("li", {}, element("span", { class: "flag" }, flag.short), " ", element("span", { class: "soft" }, flag.meaning)));
    const bars = Object.entries(one.probabilities).sort((a, b) => b[1] - a[1]).map(([name, value]) => {
      const fill = element("span", { class: "fill" });
      fill.style.width = `${100 * value}%`;
      fill.style.background = this.colour(name);
      return element("div", { class: "bar" }, element("span", {}, name), element("span", { class: "track" }, fill), element("span", { class: "number" }, value.toFixed(2)));
    });
    return element("div", { class: "facts" }, flags.length ? element("ul", { class: "plain" }, flags) : null,
      bars.length ? element("div", { class: "bars" }, bars) : null,
      one.unlike_training ? element("p", {}, element("b", {}, "This motion is unlike all that the network was trained on: do not rely on its class.")) : null,
      one.decisive_region && !one.leading_regions ? element("p", { class: "soft" }, `Decisive region: ${words(one.decisive_region)}.`) : null,
      element("p", { class: "soft" }, `Salience ${one.salience?.toFixed(2) ?? "not measured"}: how far it stands above the face's own noise.${one.expression_probability === null ? "" : ` On synthetic videos ${Math.round(100 * one.expression_probability)} % of such movements were expressions.`}`),
      one.motion_words ? element("p", {}, `Looks like: ${one.motion_words}.`) : null,
      one.leading_regions ? element("p", { class: "soft" }, `The class loses most of its lead without the motion at the ${one.leading_regions}. ${one.without_region || "No single region changes the class"}.`) : null);
  }

  async showImages(one) {
    this.comparator(one);
    if (one.number < 0) return;
    const address = `/api/jobs/${this.review.job.id}/images/${one.number}`;
    if (!this.images.has(address)) this.images.set(address, get(address));
    const images = await attempt(() => this.images.get(address));
    if (!images || this.key !== one.key) return;
    const alike = (border) => images.strip.some((shown) => shown.role === border && shown.frame === one[border]);
    const moved = one.changed.includes("borders") && !(alike("onset") && alike("apex"));
    this.pictures.append(...this.magnified(images), ...this.strip(images), ...this.flow(images, moved));
  }

  strip(images) {
    if (!images.strip.length) return [];
    return [element("ol", { class: "strip" }, images.strip.map((one) => element("li", {},
      element("button", { type: "button", class: "bare", "aria-label": `show frame ${one.frame}`, onclick: () => this.review.seek(one.frame) },
        element("img", { src: one.image, alt: `face in frame ${one.frame}` })),
      one.role ? element("strong", {}, one.role) : null, ` frame ${one.frame}`, element("br"), seconds(one.time_s))))];
  }

  // Onset and apex as they are in the file, in turn.
  comparator(one) {
    const { viewer } = this.review;
    const canvas = element("canvas", { class: "crop", role: "img", "aria-label": "frame at the onset" });
    const shown = element("span", { "aria-live": "polite" }, "onset");
    let side = "onset";
    const show = (next) => attempt(async () => {
      side = next;
      const bitmap = await viewer.frames.image(one[next]);
      if (side !== next || this.key !== one.key) return;
      paint(canvas, bitmap);
      canvas.setAttribute("aria-label", `frame ${one[next]}, the ${next}`);
      shown.textContent = next;
    });
    const stop = () => { clearInterval(this.timer); this.timer = 0; blink.setAttribute("aria-pressed", "false"); };
    const toggle = () => {
      if (this.timer) { stop(); return; }
      blink.setAttribute("aria-pressed", "true");
      this.timer = setInterval(() => show(side === "onset" ? "apex" : "onset"), BLINK_MS);
    };
    const blink = element("button", { type: "button", "aria-pressed": "false", title: "key b", onclick: toggle }, "Blink");
    this.toggleBlink = toggle;
    this.timer = 0;
    const fixed = (name) => element("button", { type: "button", onclick: () => { stop(); show(name); } }, name === "onset" ? "Onset" : "Apex");
    this.pictures.append(element("figure", { class: "compare" }, canvas,
      element("figcaption", {}, "Compare: ", shown, element("br"), fixed("onset"), " ", fixed("apex"), " ", blink)));
    show("onset");
  }

  // The onset, and the onset moved by a multiple of the motion, in turn.
  magnified(images) {
    if (!images.flow) return [];
    const sides = { onset: images.onset, [MAGNIFIED]: images.flow.magnified };
    const image = element("img", { src: images.onset, alt: "face at the onset" });
    const show = (side) => {
      image.src = sides[side];
      image.alt = side === MAGNIFIED ? `face with its motion × ${images.flow.factor}` : "face at the onset";
    };
    const button = (side, text) => element("button", { type: "button", id: `do-${side === MAGNIFIED ? MAGNIFIED : "still"}`, onclick: () => show(side) }, text);
    return [element("figure", { class: "compare" }, image,
      element("figcaption", {}, `Motion × ${images.flow.factor}, applied to the onset`, element("br"), button("onset", "Onset"), " ", button(MAGNIFIED, "Magnified")))];
  }

  flow(images, moved) {
    if (!images.flow) return [];
    const { flow } = images;
    const arrows = element("span", { class: "crop apex-image" }, element("img", { src: images.apex, alt: "face at the apex" }), fragment(flow.arrows));
    const note = moved ? "Of the borders that were found. " : "";
    return [element("div", { class: "images" },
      element("figure", {}, element("img", { src: flow.colours, alt: `motion from onset to apex, colours to ${flow.max_px} px` }), element("figcaption", {}, `${note}Motion in colour, full at ${flow.max_px} px: right is red, down yellow, left blue`)),
      element("figure", {}, arrows, element("figcaption", {}, "Motion as arrows", fragment(flow.scale))),
      element("figure", { class: "map" }, element("img", { src: flow.map, alt: "the map that the classifier sees" }), element("figcaption", {}, "What the classifier sees")))];
  }

  comments(one, unsent) {
    this.comment = element("textarea", { id: "comment", rows: 2, maxlength: 2000, onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(); } });
    this.comment.value = unsent;
    const send = () => {
      const text = this.comment.value.trim();
      if (!text) return;
      this.comment.value = "";
      this.comment.blur();
      this.review.edit({ kind: "comment", event: one.key, text });
    };
    return element("div", { class: "comments" }, one.comments.length ? element("ul", {}, one.comments.map((text) => element("li", {}, text))) : null,
      element("label", { for: "comment" }, "Comment"), this.comment, element("button", { type: "button", id: "do-comment", title: "Ctrl+Enter", onclick: send }, "Add comment"));
  }

  blink() { if (this.key) this.toggleBlink(); }

  focusLabel() { this.label?.focus(); }

  focusComment() { this.comment?.focus(); }

  close() { clearInterval(this.timer); this.key = ""; }
}
