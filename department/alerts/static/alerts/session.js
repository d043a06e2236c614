// The person's session: whoever is at the console keeps it, and it never ends unannounced.
import { at, clock, post, server, set, text } from "./page.js";

const WARN_MS = 300000, STAY_MS = 300000;
let session = null, stayedAt = Date.now();

// What the server says of it: when it ends, and whether someone who does something puts that off.
export function sessionIs(data) {
  session = data;
}

export const expiring = () => session !== null && new Date(session.ends) - server.now() < WARN_MS;

export function showSession(ended) {
  const left = !ended && expiring();
  at("session").hidden = !left;
  if (left) set(at("session-text"), text(session.idle ? "signing_out" : "session_over", { at: clock(new Date(session.ends)) }));
  at("stay").hidden = !session?.idle;
}

export async function stay() {
  stayedAt = Date.now();
  try {
    const answer = await post("stay");
    if (answer.ok) session = await answer.json();
  } catch { /* lost: the page says so */ }
  showSession(false);
}

// Someone has done something; the server need not know of each key.
export const active = () => { if (Date.now() - stayedAt > STAY_MS) stay(); };
