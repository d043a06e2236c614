// Whether hits can arrive: the server's beats, since when there is silence, and what the page says of both.
import { sounds } from "./alarm.js";
import { gone, hits } from "./hits.js";
import { at, clock, page, showNotice, server, set, text } from "./page.js";
import { showSession } from "./session.js";

export const DEAF_MS = 7000;
const icon = document.querySelector("link[rel=icon]"), name = document.title;
export const receiving = {
  ended: "",  // why the stream has ended for this person; empty while it has not
  complete: false,  // whether everything that is open has come
  beatAt: Date.now(),  // of this computer, when the last beat came
  received: null,  // of the server, when it last could send hits
  deafSince: null,
  others: [],  // who else has this page open
};
let beat = null, liveness = null;  // the server's time of the last beat, and what it said

// A beat of the server. Silence is told in the server's time, and never as shorter than it was: what a browser that slept
// finds in its buffers is as old as the sleep.
export function takeLiveness(data) {
  const sent = new Date(data.at), gap = Date.now() - receiving.beatAt;
  const now = new Date(Math.max(sent, Number(beat ?? receiving.beatAt) + gap));
  if (beat && gap > DEAF_MS) receiving.deafSince ??= receiving.received ?? beat;
  beat = sent;
  receiving.beatAt = Date.now();
  server.ahead = sent - receiving.beatAt;
  liveness = data;
  receiving.others = data.others ?? [];
  if (data.nothing) return;
  if (receiving.deafSince !== null) showNotice(text("was_deaf", { since: clock(receiving.deafSince), until: clock(now) }));
  receiving.deafSince = null;
  receiving.received = sent;
}

// Shows whether hits can arrive, above the queue, in the title, and by the icon; `taking` are those that wait.
export function showStatus(taking) {
  const { ended } = receiving, lost = [...(liveness?.lost ?? [])];
  const silent = Date.now() - receiving.beatAt > DEAF_MS;
  if (ended) lost.unshift(ended);
  else if (silent) lost.unshift(text("silent"));
  const nothing = Boolean(ended) || silent || Boolean(liveness?.nothing);
  if (nothing) receiving.deafSince ??= receiving.received ?? beat ?? new Date(receiving.beatAt);
  showSilence(lost, nothing);
  at("sign-in").hidden = !ended;
  set(at("waiting"), queued(nothing, taking.length));
  showOverdue(nothing);
  at("list-held").hidden = !liveness?.list_held;
  if (liveness?.list_held) set(at("list-held"), text("list_held", { since: clock(new Date(liveness.list_held)) }));
  const [last, tested] = [liveness?.last, liveness?.tested].map((each) => each && clock(new Date(each)));
  set(at("last-message"), liveness ? text("last_message", { heard: last ?? text("never"), tested: tested ?? text("no_test") }) : text("no_message"));
  set(at("sound"), text(sounds() ? "sound" : "no_sound"));
  at("sound").className = sounds() ? "second" : "second off";
  showSession(ended);
  showTitle(nothing, taking.length);
}

function showSilence(lost, nothing) {
  const deaf = at("deaf"), since = { since: receiving.deafSince && clock(receiving.deafSince) };
  deaf.hidden = lost.length === 0;
  deaf.classList.toggle("some", !nothing);
  set(deaf.firstChild, receiving.ended ? text("signed_out", since) : nothing ? text("deaf_since", since) : text("deaf_partly"));
  if (deaf.dataset.shown === lost.join()) return;
  deaf.dataset.shown = lost.join();
  deaf.querySelector("ul").replaceChildren(...lost.map((each) => Object.assign(document.createElement("li"), { textContent: each })));
}

function showOverdue(nothing) {
  // The server counts every two seconds; what this page knows is newer.
  at("unanswered").hidden = nothing || !liveness?.overdue || ![...hits.values()].some((hit) => hit.state === "new");
  if (!liveness?.overdue) return;
  const since = clock(new Date(liveness.overdue_since));
  set(at("unanswered"), text(liveness.overdue === 1 ? "unanswered_one" : "unanswered_since", { count: liveness.overdue, since }));
}

function showTitle(nothing, waiting) {
  const back = [...hits.values()].some(gone);
  const title = receiving.ended ? text("title_out") : nothing ? text("title_deaf") : back ? text("title_back") : waiting ? text("title_waiting", { waiting }) : "";
  document.title = title ? `${title} · ${name}` : name;
  const shown = nothing ? page.dataset.deaf : back || waiting ? page.dataset.alarm : page.dataset.icon;
  if (icon.getAttribute("href") !== shown) icon.setAttribute("href", shown);
}

// "No hits" is for who receives them: not before the first have come, nor while none can come.
function queued(nothing, waiting) {
  if (receiving.ended) return text("out");
  if (!receiving.complete || liveness === null) return text("connecting");
  if (hits.size) return text(nothing ? "open_then" : "open", { open: hits.size, waiting, at: clock(receiving.deafSince ?? new Date()) });
  return text(nothing ? "unknown" : "no_hits");
}
