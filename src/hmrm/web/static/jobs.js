// Uploads, the queue, and what is finished.
import { announce, attempt, bytes, element, get, request, seconds } from "./dom.js";

const FAST_MS = 700;
const SLOW_MS = 3000;

export function showJobs(main, settings) {
  document.title = "hmrm: videos";
  const { info } = settings;
  const uploads = element("ul", { class: "uploads", "aria-label": "Uploads" });
  const list = element("ul", { class: "jobs", "aria-label": "Videos" });
  const input = element("input", {
    type: "file", id: "files", multiple: true,
    onchange: () => { send([...input.files]); input.value = ""; },
  });
  const drop = element("section", {
    class: "drop",
    ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); },
    ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      send([...event.dataTransfer.files]);
    },
  },
  element("h2", {}, "Add videos"),
  element("p", {}, element("label", { for: "files" }, "Choose one or several, or drop them here: "), input),
  info.is_loopback ? placeForm() : null,
  uploads);
  main.replaceChildren(
    element("h1", {}, "Videos"),
    element("p", { class: "soft" }, "Most movements that are found may be false; look at each. ",
      element("a", { href: "#/use" }, "What this must not be used for")),
    drop,
    element("section", {}, element("h2", {}, "Queue and results"), list),
  );

  function placeForm() {
    const path = element("input", { id: "place", size: 34, spellcheck: "false", autocomplete: "off" });
    return element("form", {
      class: "controls",
      onsubmit: (event) => {
        event.preventDefault();
        attempt(async () => {
          await request("POST", "/api/places", { path: path.value.trim() });
          path.value = "";
          await refresh();
        });
      },
    }, element("label", { for: "place" }, "Or open a file or folder of this machine, without copying: "),
    path, element("button", {}, "Open"));
  }

  // One after the other: a disk is not faster for two.
  let sending = Promise.resolve();
  function send(files) {
    for (const file of files) {
      const bar = element("progress", { max: 1, value: 0, "aria-label": `upload of ${file.name}` });
      const text = element("span", { class: "soft" }, ` ${bytes(file.size)}`);
      const row = element("li", {}, element("span", { class: "name" }, file.name), " ", bar, text);
      uploads.append(row);
      sending = sending.then(() => upload(file, bar, text)).then(
        async () => { row.remove(); announce(`${file.name}: uploaded`); await poll(); },
        (error) => { text.textContent = ` ${error.message}`; bar.remove(); text.className = "fault"; },
      );
    }
  }

  let stopped = false;
  let timer = 0;
  let last = "";
  async function refresh() {
    const jobs = await get("/api/jobs");
    if (stopped) return jobs;
    const text = JSON.stringify(jobs);
    if (text !== last) {
      last = text;
      const focused = document.activeElement?.id;
      list.replaceChildren(...(jobs.length ? jobs.map((job) => row(job, refresh))
        : [element("li", { class: "soft" }, "No videos yet.")]));
      if (focused) document.getElementById(focused)?.focus();
    }
    return jobs;
  }
  // Called at once after an upload too: a short video is soon done, and its progress is to be seen.
  async function poll() {
    const jobs = await attempt(refresh);
    clearTimeout(timer);
    if (stopped) return;
    const active = jobs?.some((job) => job.state === "queued" || job.state === "running");
    timer = setTimeout(poll, active ? FAST_MS : SLOW_MS);
  }
  poll();
  return () => { stopped = true; clearTimeout(timer); };
}

// XMLHttpRequest, since fetch does not report how much was sent.
function upload(file, bar, text) {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    sent.open("POST", `/api/jobs?name=${encodeURIComponent(file.name)}`);
    sent.upload.addEventListener("progress", (event) => {
      bar.value = event.loaded / Math.max(event.total, 1);
      text.textContent = ` ${bytes(event.loaded)} of ${bytes(event.total)}`;
    });
    sent.addEventListener("load", () => {
      if (sent.status === 201) { resolve(); return; }
      let message = sent.responseText;
      try { message = JSON.parse(message).error; } catch { /* no JSON: the text itself */ }
      reject(new Error(message || `refused (${sent.status})`));
    });
    sent.addEventListener("error", () => reject(new Error("broken off")));
    sent.send(file);
  });
}

function row(job, refresh) {
  const act = (method, path) => () => attempt(async () => { await request(method, path); await refresh(); });
  const button = (name, action, title) => element("button", {
    type: "button", id: `${name}-${job.id}`, onclick: action, "aria-label": `${name} ${job.name}`, title,
  }, name);
  const buttons = [];
  if (job.state === "queued" || job.state === "running") {
    buttons.push(button("Cancel", act("POST", `/api/jobs/${job.id}/cancel`)));
  }
  if (job.state === "failed" || job.state === "cancelled") {
    buttons.push(button("Retry", act("POST", `/api/jobs/${job.id}/retry`)));
  }
  buttons.push(button("Delete", () => {
    const what = job.place ? "results and edits (the video itself stays where it is)" : "video, results and edits";
    if (confirm(`Delete ${job.name}: its ${what}? This cannot be undone.`)) {
      act("DELETE", `/api/jobs/${job.id}`)();
    }
  }, "video, results and edits are deleted from the disk"));
  const title = job.state === "done"
    ? element("a", { href: `#/jobs/${job.id}`, id: `open-${job.id}` }, job.name)
    : element("span", {}, job.name);
  return element("li", { class: `job ${job.state}`, "data-job": job.id },
    element("span", { class: "name" }, title),
    element("span", { class: "state" }, state(job)),
    element("span", { class: "buttons" }, buttons));
}

function state(job) {
  if (job.state === "running") {
    const bar = element("progress", { "aria-label": `progress of ${job.name}` });
    if (job.total) { bar.max = job.total; bar.value = job.done; }
    return [bar, element("span", { class: "soft" }, ` ${job.stage || "starting"}${job.total ? ` ${job.done} of ${job.total}` : ""}`)];
  }
  if (job.state === "failed") return [element("span", { class: "fault" }, job.error)];
  if (job.state !== "done") return [element("span", { class: "soft" }, job.state === "queued" ? "waits" : job.state)];
  const { summary } = job;
  const coders = job.coders.length ? `; edited by ${job.coders.length}` : "";
  return [element("span", { class: "soft" },
    `${seconds(summary.duration_s)}, ${summary.micro} micro, ${summary.macro} macro${coders}`)];
}
