// Elements, texts and requests: what all parts of the page are made of.

// element("button", { class: "x", onclick: f }, "text", other): properties with "on" listen.
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function shape(tag, properties = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// SVG that this server made of numbers.
export function fragment(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content;
}

export class Refused extends Error {}

export async function request(method, path, content) {
  const options = { method };
  if (content !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(content);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused("the server does not answer; is hmrm serve still running?");
  }
  if (!answer.ok) {
    const text = await answer.text();
    let message = text;
    try { message = JSON.parse(text).error; } catch { /* no JSON: the text itself */ }
    throw new Refused(message || `the server answered ${answer.status}`);
  }
  return answer.status === 204 ? null : answer.json();
}

export const get = (path) => request("GET", path);

export function announce(text, isError = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.toggle("error", isError);
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => { status.textContent = ""; }, isError ? 12000 : 4000);
}

// Runs what a user asked for; what goes wrong is shown, not lost.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    announce(error.message, true);
    if (!(error instanceof Refused)) console.error(error);
    return null;
  }
}

export const seconds = (value) => `${value.toFixed(2)} s`;

export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) { value /= 1000; place += 1; }
  return `${place ? value.toFixed(1) : value} ${units[place]}`;
}

export const words = (text) => text.replaceAll("_", " ");
