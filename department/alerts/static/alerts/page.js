// What all parts of the console share: the page's elements, its words in the person's language, and the server's clock.
export const page = document.getElementById("console");
export const at = (id) => document.getElementById(id);
export const me = page.dataset.me;
export const token = page.querySelector("input[name=csrfmiddlewaretoken]").value;

const words = JSON.parse(at("words").textContent);
export const text = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, each) => values[each]);
export const named = (category) => category.replaceAll("_", " ");

export const server = {
  ahead: 0,  // of this computer's clock, in milliseconds
  now: () => Date.now() + server.ahead,
};
export const clock = (moment) => moment.toLocaleTimeString([], { hour12: false, timeZone: page.dataset.zone, timeZoneName: "short" });

export const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

// What was refused, or what the person must know of a time without hits.
export function showNotice(text) {
  at("refused").textContent = text;
  at("refused").hidden = !text;
}

// Sends something to one of the console's addresses: "step", "hits", "stay" or "test".
export const post = (what, body, headers = {}) => fetch(page.dataset[what], { method: "POST", body, headers: { "X-CSRFToken": token, ...headers } });
