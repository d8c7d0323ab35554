// The frame on screen is the frame in the file; the video element only plays.
import { announce, attempt, element } from "./dom.js";
import { Frames } from "./frames.js";
import { nearest } from "./timeline.js";

export class Viewer {
  constructor(job, view, actions) {
    this.job = job;
    this.view = view;
    this.actions = actions;
    const [width, height] = view.size_wh_px;
    this.canvas = element("canvas", { class: "frame-image", width, height, role: "img", "aria-label": "frame" });
    this.frames = new Frames(job.id, view.frame_count, this.canvas);
    this.scrubber = element("input", { type: "range", min: 0, max: view.frame_count - 1, step: 1, value: 0, "aria-label": "frame", oninput: () => actions.seek(Number(this.scrubber.value)) });
    this.number = element("input", { type: "number", min: 0, max: view.frame_count - 1, "aria-label": "frame number", onchange: () => actions.seek(Number(this.number.value) || 0) });
    this.time = element("span", { class: "soft time" });
    this.notes = element("p", { class: "soft note", role: "status" });
    this.playButton = element("button", { type: "button", title: "key space", onclick: () => this.togglePlay() }, "Play");
    const step = (text, label, by) => element("button", { type: "button", "aria-label": label, title: label, onclick: () => actions.seek(this.frame + by) }, text);
    this.stage = element("div", { class: "stage" }, this.canvas);
    this.element = element("div", { class: "viewer" }, this.stage, this.scrubber,
      element("div", { class: "controls" }, step("−10", "10 frames back", -10), step("−1", "1 frame back", -1),
        this.number, step("+1", "1 frame on", 1), step("+10", "10 frames on", 10), this.playButton, this.time), this.notes);
    this.frame = 0;
    this.video = null;
  }

  show(frame) {
    this.frame = frame;
    this.scrubber.value = frame;
    this.number.value = frame;
    this.time.textContent = `${this.view.times_s[frame].toFixed(4)} s of ${this.view.times_s.at(-1).toFixed(2)} s`;
    if (!this.video) attempt(() => this.frames.show(frame));
  }

  note(text) { this.notes.textContent = text; }

  togglePlay() { if (this.video) this.stop(); else this.play(); }

  play() {
    const clock = (time) => this.view.first_frame_s + time * this.view.player_rate;
    const video = element("video", { src: `/api/jobs/${this.job.id}/video`, playsinline: true, class: "frame-image", "aria-label": "the video, playing" });
    video.muted = true;
    video.addEventListener("error", () => {
      if (this.video !== video) return;
      this.stop();
      announce("this browser cannot play the file; frames are shown all the same", true);
    });
    video.addEventListener("timeupdate", () => {
      if (this.video !== video) return;
      const time = (video.currentTime - this.view.first_frame_s) / this.view.player_rate;
      this.actions.seek(nearest(this.view.times_s, time));
    });
    video.addEventListener("ended", () => this.stop());
    video.addEventListener("loadedmetadata", () => {
      video.currentTime = clock(this.view.times_s[this.frame]);
      attempt(() => video.play());
    }, { once: true });
    this.video = video;
    this.stage.replaceChildren(video);
    this.playButton.textContent = "Stop";
    this.note("playing: the frame shown is the player's guess; stop to see the frame in the file");
  }

  stop() {
    const video = this.video;
    if (!video) return;
    this.video = null;
    video.pause();
    video.removeAttribute("src");
    this.stage.replaceChildren(this.canvas);
    this.playButton.textContent = "Play";
    this.note("");
    this.show(this.frame);
  }

  close() {
    this.stop();
    this.frames.close();
  }
}
