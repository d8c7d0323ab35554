// Which part of the page is shown, and who is coding.
import { announce, attempt, element, get } from "./dom.js";
import { showAgreement } from "./agreement.js";
import { showJobs } from "./jobs.js";
import { showLive } from "./live.js";
import { showReview } from "./review.js";

const main = document.getElementById("main");
const coder = document.getElementById("coder");
let leave = () => {};

export const settings = { info: null, coder: () => coder.value.trim() };

function showUse() {
  document.title = "hmrm: use";
  const { info } = settings;
  main.replaceChildren(
    element("h1", {}, "What this is for"),
    element("section", {}, element("h2", {}, "Intended"), element("p", {}, info.intended)),
    element("section", { class: "caution" }, element("h2", {}, "How far to trust it"),
      element("p", {}, info.reliability), element("p", {}, info.meaning)),
    element("section", {}, element("h2", {}, "What it must not be used for"),
      element("p", {}, info.forbidden)),
    element("section", {}, element("h2", {}, "Data"),
      element("p", {}, "Videos, results and edits stay on the machine that runs hmrm serve; nothing is sent elsewhere. ",
        info.retention_days === null ? "They are kept until you delete them."
          : `They are deleted ${info.retention_days} days after they were made, or when you delete them.`),
      element("p", { class: "soft" }, `hmrm ${info.version}; `,
        element("a", { href: "/api/openapi.json" }, "description of the interface (OpenAPI)"))),
  );
  return () => {};
}

async function route() {
  leave();
  leave = () => {};
  const [page, id, frame] = location.hash.replace(/^#\//, "").split("/");
  if (page === "jobs" && id) leave = (await attempt(() => showReview(main, settings, id, frame))) ?? leave;
  else if (page === "agreement") leave = (await attempt(() => showAgreement(main, settings))) ?? leave;
  else if (page === "live") leave = showLive(main, settings);
  else if (page === "use") leave = showUse();
  else leave = showJobs(main, settings);
  for (const link of document.querySelectorAll("header nav a")) {
    const here = link.getAttribute("href") === (page ? `#/${page}` : "#/");
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
}

coder.value = localStorage.getItem("hmrm coder") ?? "";
coder.addEventListener("change", () => {
  localStorage.setItem("hmrm coder", coder.value.trim());
  announce(coder.value.trim() ? `coding as ${coder.value.trim()}` : "no coder: only what was found is shown");
  attempt(route);
});
window.addEventListener("hashchange", () => attempt(route));
settings.info = await attempt(() => get("/api/info"));
if (settings.info) await attempt(route);
