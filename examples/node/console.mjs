// A console: prints every hit, once, with what it is worth, and verifies who said so; and which posts are silent.
//
//   npm ci --ignore-scripts
//   node console.mjs --broker broker.example:8883 --identity subscribers/dispatch --agency riverside --keys records/
//
// --identity is the folder that the department gave you: certificate.pem, private_key.pem, ca.pem. --keys is a folder
// with each post's public key, POST.pem, and below it former/ with those of units that were replaced, POST.*.pem.
// It knows of earlier hits what it remembers: keep that on disk where a console may be restarted.
import { X509Certificate, createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import mqtt from "mqtt";

const REMEMBERED = 100000; // records, hits and withdrawals: what is older than so many does not come again
const DAY = 24 * 3600;
const LATE = 300; // seconds after which the vehicle of a hit is elsewhere
const AHEAD = 300; // seconds by which clocks differ that are kept with ordinary care

const text = { type: "string" };
const { values: given } = parseArgs({ options: { broker: text, identity: text, agency: text, keys: text } });
for (const name of ["broker", "identity", "agency", "keys"]) {
  if (!given[name]) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}

// RFC 8785: members sorted by UTF-16 code units, numbers and strings as JavaScript itself writes them.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

// What is signed: the event without its signature and without the bytes of its pictures.
function signedBytes({ signature, ...bare }) {
  if (!bare.data.pictures) return canonical(bare);
  const pictures = bare.data.pictures.map(({ data, ...picture }) => picture);
  return canonical({ ...bare, data: { ...bare.data, pictures } });
}

function genuine(event, key) {
  const [head, tail] = event.signature.split("..");
  if (JSON.parse(Buffer.from(head, "base64url")).alg !== "ES256") return false;
  const signed = `${head}.${Buffer.from(signedBytes(event)).toString("base64url")}`;
  const how = { key, dsaEncoding: "ieee-p1363" };
  if (!verify("sha256", Buffer.from(signed), how, Buffer.from(tail, "base64url"))) return false;
  return (event.data.pictures ?? []).filter((picture) => "data" in picture).every(taken);
}

// Whether the bytes of a picture are those that its signed digest and size name.
function taken({ data, size, sha256 }) {
  const bytes = Buffer.from(data, "base64"); // which passes over whatever is no base64
  const whole = bytes.toString("base64") === data && bytes.length === size;
  return whole && createHash("sha256").update(bytes).digest("hex") === sha256;
}

// A post's public key, and those of the units that stood there before it, whose last hits may be under way.
function keyFiles(post) {
  const former = join(given.keys, "former");
  const names = existsSync(former) ? readdirSync(former) : [];
  const ofPost = names.filter((name) => name.startsWith(`${post}.`) && name.endsWith(".pem"));
  return [join(given.keys, `${post}.pem`), ...ofPost.map((name) => join(former, name))];
}

// Prints a line, and nothing that a terminal would obey or take for another line.
const say = (line) => console.log(line.replace(/\p{C}/gu, "?"));

// What came last, by post and identifier; the oldest is forgotten for the newest.
const seen = new Map();
const hits = new Map();
const withdrawn = new Map();
const states = new Map(); // by post: its state, when it said so, and until when that is good
const tests = new Map(); // by post: when its last synthetic hit came, and how often it makes one

function remember(memory, name, value) {
  memory.set(name, value);
  if (memory.size > REMEMBERED) memory.delete(memory.keys().next().value);
}

// Shows a message, whatever it is: one that ended the console would come again, and nothing after it.
function take(topic, payload, retained = false) {
  const post = topic.split("/")[3]; // by the broker's rights the only one that writes there; its key has to prove it
  try {
    judge(post, JSON.parse(payload), retained);
  } catch (error) {
    say(`NOT SHOWN  ${post}: not a record (${error.name})`);
  }
}

function judge(post, event, retained) {
  const record = `${post} ${event.id}`;
  if (seen.has(record)) return; // QoS 1: the same record may come again, with the same id
  const [key, ...former] = keyFiles(post);
  if (!existsSync(key)) return say(`NOT SHOWN  ${post}: no key of this post here`);
  const signer = [key, ...former].find((file) => genuine(event, createPublicKey(readFileSync(file))));
  if (!signer) return say(`NOT SHOWN  ${post}: not signed by this post`);
  remember(seen, record, true); // not before: a forged copy must not hide the record itself
  if (event.type === "platepost.hit.v1") {
    show(post, event, signer !== key);
  } else if (event.type === "platepost.hit.withdrawn.v1") {
    const hit = `${post} ${event.data.hit}`; // with the post: no other withdraws its hits
    remember(withdrawn, hit, true);
    say(`WITHDRAWN  ${post}  ${hits.get(hit) ?? "a hit not seen here"}`);
  } else if (event.type === "platepost.status.v1") {
    hear(post, event, retained);
  } else {
    say(`NOT SHOWN  ${post}: a record of another kind, ${event.type}`);
  }
}

function hear(post, { time, data: status }, retained) {
  const said = Date.parse(time);
  const known = states.get(post);
  if (known && said < known.said) return; // it waited on the post, which has said something newer since
  let goodUntil = Infinity; // offline, until the post says otherwise
  if ("valid_seconds" in status) {
    const made = said - 1000 * (status.clock.held_seconds ?? 0);
    goodUntil = (retained && status.clock.synchronised ? made : Date.now()) + 1000 * status.valid_seconds;
  }
  if (status.last_synthetic)
    tests.set(post, { heard: tests.get(post)?.heard ?? Date.now(), every: 60000 * status.last_synthetic.every_minutes });
  else tests.delete(post); // it makes none, or has just started: then silence says nothing
  // Severities sort with the worst first; a post of an older version says none.
  const faults = status.reasons.map(({ name, severity = "major" }) => [severity, name]).sort();
  const reasons = faults.map(([severity, name]) => `${name} (${severity})`).join(", ");
  const state = `${status.state}${reasons && `: ${reasons}`}`;
  states.set(post, { state, said, goodUntil });
  if (known?.state !== state) say(`STATUS     ${post}  ${state}`);
}

// Says which posts have not been heard for longer than what they said is good.
function look() {
  for (const [post, { said, goodUntil }] of states) {
    if (Date.now() <= goodUntil) continue;
    states.set(post, { state: "silent", said, goodUntil: Infinity });
    say(`SILENT     ${post}  silent since ${new Date(said).toISOString()}`);
  }
  for (const [post, { heard, every }] of tests) {
    if (!every || Date.now() - heard <= 2 * every) continue;
    tests.set(post, { heard: Date.now(), every });
    say(`NO TEST    ${post}  its hits may not arrive: no synthetic hit for ${(every / 30000).toFixed(0)} min`);
  }
}

function show(post, { time, data: hit }, byFormer) {
  const name = `${post} ${hit.hit}`;
  const listed = hit.plate_matched === hit.plate_read ? "" : `, list says ${hit.plate_matched}`;
  const line = `${hit.plate_read}  ${hit.category}, ${hit.match}${listed}`;
  remember(hits, name, line);
  if (withdrawn.has(name)) return say(`WITHDRAWN  ${post}  ${line}`); // the withdrawal came first
  // By `time`, the best that the post knows: where its clock is certainly wrong, that goes on without the clock.
  const age = (Date.now() - Date.parse(time)) / 1000;
  if (hit.synthetic) { // made up to show that hits arrive: nobody is looked for
    tests.set(post, { heard: Date.now(), every: tests.get(post)?.every ?? 0 });
    return say(`TEST       ${post}  hits arrive: the synthetic hit took ${age.toFixed(0)} s`);
  }
  const built = hit.hotlist.age_seconds;
  const doubts = [
    age > LATE && "  LATE",
    !hit.clock.synchronised && "  ITS CLOCK IS UNSURE",
    ("held_seconds" in hit.clock || age < -AHEAD) && "  ITS CLOCK IS WRONG",
    hit.hotlist_stale && "  THE LIST IS OLD",
    hit.held && "  HELD FOR A PERSON",
    hit.state_agreement === "contradicts" && "  ANOTHER STATE BY ITS LOOK",
    byFormer && "  SIGNED BY A FORMER UNIT",
  ];
  say(`UNVERIFIED ${post}  ${line}${doubts.filter(Boolean).join("")}`);
  const listAge = built === undefined ? "of unknown age" : `${(built / 3600).toFixed(1)} h old`;
  const when = age < DAY ? `${(age / 60).toFixed(0)} min ago` : `at ${time.slice(0, 16).replace("T", " ")} UTC`;
  say(`           ${when}, by a list ${listAge}`);
  say(`           ${hit.wording}`);
}

const file = (name) => readFileSync(join(given.identity, name));
// The client id is the name in the certificate, and the session outlives the connection: nothing is missed.
const name = new X509Certificate(file("certificate.pem")).subject.match(/CN=(.*)/)[1];
const client = mqtt.connect(`mqtts://${given.broker}`, {
  ca: file("ca.pem"),
  cert: file("certificate.pem"),
  key: file("private_key.pem"),
  minVersion: "TLSv1.3",
  clientId: name,
  protocolVersion: 5,
  clean: false,
  properties: { sessionExpiryInterval: DAY },
  reconnectPeriod: 5000,
  reconnectOnConnackError: true,
  // Acknowledges after a hit was shown, not before.
  customHandleAcks: (topic, message, packet, done) => {
    take(topic, message, packet.retain);
    done(0);
  },
});
const ends = (error) => {
  console.error(error.message);
  process.exit(1);
};
client.on("connect", () => {
  client.off("error", ends);
  const topics = `alpr/v1/${given.agency}/+`;
  client.subscribe({ [`${topics}/hit/#`]: { qos: 1 }, [`${topics}/status`]: { qos: 0 } }, (error) => {
    if (error?.code >= 0x80) ends(error); // the topic is refused; anything else is a connection that was lost
    if (!error) say("listening");
  });
});
// Statuses come without a wish for an answer; hits were taken above.
client.on("message", (topic, message, packet) => packet.qos === 0 && take(topic, message, packet.retain));
setInterval(look, 1000);
// Before the first connection an error is likely ours; later it is the broker's, and the client tries again, forever.
client.on("error", ends);
client.on("error", (error) => say(`NOT LISTENING: ${error.message}`));
client.on("offline", () => say("NOT LISTENING"));
