// The stream of the server, read by hand: so a refusal is told from a loss, and the session is not kept alive by it.
import { page } from "./page.js";
import { DEAF_MS, receiving } from "./receiving.js";

const AGAIN_MS = 1000;
let last = "";  // the number of the last change that has come

// Receives until the server ends it for this person. `take` gets what came at once, as `{ event, data }` each; `refused` is
// called where the person may not receive any more, and `lost` where the connection has ended and is made again.
export async function listen(take, refused, lost) {
  while (!receiving.ended) {
    const headers = { Accept: "text/event-stream", "Platepost-Refresh": "1", "Last-Event-ID": last };
    // A connection that died in a sleep, or on the way, says nothing of it for minutes.
    const giveUp = new AbortController(), began = Date.now();
    const watch = setInterval(() => { if (Date.now() - Math.max(began, receiving.beatAt) > 2 * DEAF_MS) giveUp.abort(); }, AGAIN_MS);
    try {
      const answer = await fetch(page.dataset.events, { headers, cache: "no-store", signal: giveUp.signal });
      if (answer.redirected || answer.status === 403) return refused();
      if (!answer.ok) throw new Error(answer.status);
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader(), take);
    } catch { /* lost: it is asked again */ } finally { clearInterval(watch); }
    lost();
    if (!receiving.ended) await new Promise((again) => setTimeout(again, AGAIN_MS));
  }
}

async function read(reader, take) {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const messages = [];
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) messages.push(parsed(text.slice(0, end)));
    take(messages);
    last = messages.findLast((each) => each.id)?.id ?? last;
  }
}

function parsed(message) {
  const { event, data, id } = Object.fromEntries(message.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
  return { event, id, data: JSON.parse(data) };
}
