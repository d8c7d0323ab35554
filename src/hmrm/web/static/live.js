// The live view: a camera's images go to the server's analyzer, events come back.
import { announce, attempt, element, seconds, words } from "./dom.js";

const QUALITY = 0.9;
const MOST_WIDTH = 640;
// Images that the analyzer has not answered yet; more would only add delay.
const MOST_WAITING = 4;
// Of these seconds the images are kept by this page, to show onset and apex of an event.
const KEPT_S = 15;
const RATE_MS = 2000;

export function showLive(main, settings) {
  document.title = "hmrm: live";
  const view = new Live(settings);
  main.replaceChildren(...view.parts);
  return () => view.stop();
}

class Live {
  constructor(settings) {
    this.settings = settings;
    this.video = element("video", { muted: true, playsinline: true, "aria-label": "camera", class: "frame-image" });
    this.canvas = document.createElement("canvas");
    this.startButton = element("button", { type: "button", onclick: () => attempt(() => this.start()) }, "Start the camera");
    this.stopButton = element("button", { type: "button", disabled: true, onclick: () => this.finish() }, "Stop");
    this.keep = element("input", { type: "checkbox", id: "keep" });
    this.rate = element("p", { class: "soft rate", role: "status" }, "The camera is off.");
    this.warning = element("p", { class: "caution", hidden: true });
    this.list = element("ol", { class: "plain live-events", "aria-label": "Events" });
    this.none = element("p", { class: "soft" }, "None yet.");
    this.parts = [
      element("h1", {}, "Live"),
      element("section", { class: "caution" },
        element("p", {}, "Film only people who know it and agree. Images stay on this machine, and nothing is stored unless you ask for it. ",
          element("a", { href: "#/use" }, "What this must not be used for"))),
      element("div", { class: "review" },
        element("section", {},
          element("div", { class: "stage" }, this.video),
          element("div", { class: "controls" }, this.startButton, this.stopButton,
            element("label", { for: "keep" }, this.keep, " keep the take: record it, and queue it as a video when it ends")),
          this.rate, this.warning),
        element("section", {}, element("h2", {}, "Events"), this.none, this.list)),
    ];
    this.reset();
  }

  reset() {
    this.sent = 0;
    this.answered = 0;
    this.events = 0;
    this.kept = [];
    this.times = { camera: [], analysed: [] };
  }

  async start() {
    if (!navigator.mediaDevices) {
      throw new Error("this browser gives cameras to pages of this machine alone: open the address with 127.0.0.1, or use an encrypted connection");
    }
    this.reset();
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: false, video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 120 } },
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    this.socket.binaryType = "arraybuffer";
    await new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = () => reject(new Error("the server does not take a live view"));
    });
    this.socket.onmessage = (message) => this.receive(JSON.parse(message.data));
    this.socket.onclose = (closed) => {
      if (closed.reason) announce(closed.reason, true);
      this.stop();
    };
    this.startButton.disabled = true;
    this.stopButton.disabled = false;
    this.list.replaceChildren();
    this.none.hidden = false;
    if (this.keep.checked) this.record();
    this.keep.disabled = true;
    this.timer = setInterval(() => this.showRate(), 500);
    this.next();
  }

  next() {
    this.video.requestVideoFrameCallback((now, frame) => {
      if (!this.stream) return;
      this.first ??= frame.mediaTime;
      this.take(frame.mediaTime - this.first);
      this.next();
    });
  }

  take(time) {
    const { video, canvas } = this;
    this.times.camera.push(performance.now());
    if (this.ending || this.socket.readyState !== WebSocket.OPEN || this.sent - this.answered >= MOST_WAITING) return;
    const scale = Math.min(MOST_WIDTH / video.videoWidth, 1);
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    this.sent += 1;
    canvas.toBlob(async (blob) => {
      const message = new Uint8Array(8 + blob.size);
      new DataView(message.buffer).setFloat64(0, time, true);
      message.set(new Uint8Array(await blob.arrayBuffer()), 8);
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
      this.kept.push({ time, blob });
      while (this.kept[0].time < time - KEPT_S) this.kept.shift();
    }, "image/jpeg", QUALITY);
  }

  receive(answer) {
    if (answer.error) announce(answer.error, true);
    if (answer.images > this.answered) {
      this.answered = answer.images;
      this.times.analysed.push(performance.now());
    }
    for (const one of answer.events) this.add(one);
    if (answer.finished) this.stop();
  }

  add(one) {
    this.none.hidden = true;
    this.events += 1;
    const colour = this.settings.info.colours[one.label.startsWith("unclear") ? "none" : one.label] ?? this.settings.info.colours[""];
    const chip = element("span", { class: "chip" }, one.label || "not classified");
    chip.style.background = colour;
    const images = [["onset", one.onset_s], ["apex", one.apex_s]].map(([name, time]) => this.image(name, time));
    this.list.prepend(element("li", { class: "event" },
      element("h3", {}, `${this.events}. ${one.length} `, chip),
      element("p", {}, `${seconds(one.onset_s)} to ${seconds(one.offset_s)}, apex ${seconds(one.apex_s)}; ${words(one.region)}${one.flags.length ? `; ${one.flags.join(", ")}` : ""}`),
      element("div", { class: "images" }, images)));
  }

  image(name, time) {
    const nearest = this.kept.reduce((best, one) => (!best || Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best), null);
    if (!nearest || Math.abs(nearest.time - time) > 0.5) return null;
    const picture = element("img", { alt: `the camera's image at the ${name}` });
    const reader = new FileReader();
    reader.onload = () => { picture.src = reader.result; };
    reader.readAsDataURL(nearest.blob);
    return element("figure", {}, picture, element("figcaption", {}, name));
  }

  showRate() {
    const now = performance.now();
    const rates = Object.values(this.times).map((times) => {
      while (times.length && times[0] < now - RATE_MS) times.shift();
      return times.length > 1 ? (times.length - 1) / (times[times.length - 1] - times[0]) * 1000 : 0;
    });
    const [camera, analysed] = rates;
    this.rate.textContent = `The camera gives ${camera.toFixed(0)} images a second, ${analysed.toFixed(0)} are analysed.`;
    this.warning.hidden = analysed === 0 || analysed > 90;
    this.warning.textContent = `At ${analysed.toFixed(0)} images a second a micro-expression of half a second shows in at most ${Math.floor(analysed / 2)} images, a brief one in far fewer: many are missed. `
      + (analysed < camera * 0.8 ? "This machine analyses less than the camera gives." : "A camera of 100 images a second or more shows them.");
  }

  record() {
    const pieces = [];
    const recorder = new MediaRecorder(this.stream);
    const began = new Date();
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.onstop = () => attempt(async () => {
      const name = `live ${began.toISOString().slice(0, 19).replaceAll(":", "-")}.webm`;
      const answer = await fetch(`/api/jobs?name=${encodeURIComponent(name)}`, { method: "POST", body: new Blob(pieces) });
      if (!answer.ok) throw new Error(`${name} could not be kept: ${await answer.text()}`);
      announce(`${name} waits among the videos`);
    });
    recorder.start(1000);
    this.recorder = recorder;
  }

  // The analyzer still has the events that are open.
  finish() {
    this.ending = true;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send("finish");
    else this.stop();
  }

  stop() {
    clearInterval(this.timer);
    if (this.recorder?.state === "recording") this.recorder.stop();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.recorder = null;
    this.first = undefined;
    this.ending = false;
    this.video.srcObject = null;
    this.socket?.close();
    this.startButton.disabled = false;
    this.stopButton.disabled = true;
    this.keep.disabled = false;
    this.warning.hidden = true;
    this.rate.textContent = "The camera is off.";
  }
}
