// Two coders next to each other: how far they agree, and where they differ.
import { attempt, element, get, seconds } from "./dom.js";

const MEASURES = [
  ["event_kappa", "κ per event", "Cohen's; 0 is chance, 1 full agreement"],
  ["event_alpha", "α per event", "Krippendorff's, nominal"],
  ["event_f1", "F1 of the events", "matched over all, classes aside"],
  ["frame_kappa", "κ per frame", "Cohen's"],
  ["frame_alpha", "α per frame", "Krippendorff's, nominal"],
  ["onset_error", "onset error", "mean absolute difference, frames"],
  ["onset_bias", "onset bias", "second minus first, frames"],
  ["offset_error", "offset error", "mean absolute difference, frames"],
];

export async function showAgreement(main) {
  document.title = "hmrm: agreement";
  const coders = await get("/api/coders");
  const result = element("div");
  const choice = (id, place) => {
    const made = element("select", { id }, coders.map((one) => element("option", { value: one.name }, `${one.name} (${one.finished} finished)`)));
    made.selectedIndex = Math.min(place, coders.length - 1);
    return made;
  };
  const [first, second] = [choice("first", 0), choice("second", 1)];
  const compare = () => attempt(async () => {
    const query = new URLSearchParams({ first: first.value, second: second.value });
    show(result, await get(`/api/agreement?${query}`));
  });
  main.replaceChildren(
    element("h1", {}, "Agreement of two coders"),
    element("p", { class: "soft" }, "Coders are blind to each other: only videos that both have finished are compared."),
    coders.length < 2
      ? element("section", {}, element("p", {}, "At least two coders must have edited a video. A coder's name is given at the top; each edits without seeing the other's edits, and finishes the video."))
      : element("section", {}, element("form", { class: "controls", onsubmit: (event) => { event.preventDefault(); compare(); } },
        element("span", {}, element("label", { for: "first" }, "First "), first),
        element("span", {}, element("label", { for: "second" }, "Second "), second),
        element("button", {}, "Compare"))),
    result);
  return () => {};
}

function show(result, found) {
  const number = (value) => (value === null || value === undefined ? "not defined" : value.toFixed(3));
  const row = ([key, name, meaning]) => {
    const one = found.agreement[key];
    const interval = one.low === undefined || one.low === null ? "none" : `${number(one.low)} to ${number(one.high)}`;
    return element("tr", {}, element("td", { "data-label": "measure" }, element("span", {}, name, " ", element("span", { class: "soft" }, meaning))),
      element("td", { class: "number", "data-label": "value", "data-measure": key }, number(one.value)),
      element("td", { class: "number", "data-label": "95 %" }, interval),
      element("td", { class: "number", "data-label": "units" }, String(one.units)));
  };
  const head = (names) => element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col", class: ["value", "95 %", "units"].includes(name) ? "number" : null }, name))));
  const { differences } = found;
  result.replaceChildren(
    element("section", {}, element("h2", {}, `${found.first} and ${found.second}: ${found.agreement.videos} video${found.agreement.videos === 1 ? "" : "s"}`),
      element("table", { class: "cards measures" }, head(["measure", "value", "95 %", "units"]), element("tbody", {}, MEASURES.map(row))),
      element("p", { class: "soft" }, found.agreement.rule),
      found.unfinished.length ? element("p", { class: "soft" }, `Not compared, since not both have finished: ${found.unfinished.join(", ")}.`) : null),
    element("section", {}, element("h2", {}, `Where they differ: ${differences.length}`),
      differences.length ? element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Differences" },
        element("table", { class: "cards", id: "differences" }, head(["video", "frame", "face", found.first, found.second]),
          element("tbody", {}, differences.map((one) => element("tr", {},
            element("td", { "data-label": "video" }, element("a", { href: `#/jobs/${one.job}/${one.frame}` }, one.name)),
            element("td", { "data-label": "frame" }, `${one.frame}, ${seconds(one.time_s)}`),
            element("td", { "data-label": "face" }, String(one.face_id)),
            element("td", { "data-label": found.first }, one.first),
            element("td", { "data-label": found.second }, one.second))))))
        : element("p", {}, "Nowhere.")));
}
