// Keys for everything; none of them acts while somebody types.
import { element } from "./dom.js";

const HELP = [
  ["n, p", "next, previous event"],
  ["← →", "one frame back, on"],
  ["Shift ← →", "ten frames back, on"],
  ["Home, End", "first, last frame"],
  ["a, r, o", "accept or take up, reject, reopen"],
  ["1 to 4", "class: negative, positive, surprise, none"],
  ["l", "choose the class in the list"],
  ["[ k ]", "onset, apex, offset is the frame on screen"],
  ["i", "add an event: once at its onset, once at its offset; Escape stops"],
  ["c", "comment; Ctrl Enter adds it"],
  ["u, y", "undo, redo (also Ctrl z, Ctrl Shift z)"],
  ["f", "finish the video, so that coders can be compared"],
  ["b", "blink between onset and apex"],
  ["Space", "play, stop"],
  ["+ − 0 z", "zoom the timeline in, out, to the whole video, to the event"],
];

function typing(target) {
  if (target.closest("dialog")) return true;
  if (target.matches("textarea, select, [contenteditable]")) return true;
  return target.matches("input") && target.type !== "range" && target.type !== "checkbox";
}

export function listen(actions) {
  const pressed = (event) => {
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const control = event.ctrlKey || event.metaKey;
    if (event.altKey) return;
    // A button's own keys stay its own.
    if (event.key === " " && event.target.closest("button, a, summary")) return;
    const shift = event.shiftKey && (event.key.length > 1 || control);
    const name = `${control ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${event.key}`;
    const action = actions[name];
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

export function showKeys() {
  const dialog = element("dialog", { "aria-labelledby": "keys-title", onclose: () => dialog.remove() },
    element("h2", { id: "keys-title" }, "Keys"),
    element("dl", {}, HELP.map(([keys, text]) => [element("dt", {}, keys), element("dd", {}, text)]).flat()),
    element("button", { type: "button", onclick: () => dialog.close() }, "Close"));
  document.body.append(dialog);
  dialog.showModal();
}
