// A console: prints every hit, once, with what it is worth, and verifies who said so.
//
//   npm ci --ignore-scripts
//   node console.mjs --broker broker.example:8883 --identity subscribers/dispatch --agency riverside --keys records/
//
// --identity is the folder that the department gave you: certificate.pem, private_key.pem, ca.pem. --keys is a folder
// with each post's public key, POST.pem.
import { X509Certificate, createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import mqtt from "mqtt";

const REMEMBERED = 100000; // identifiers of records: what is older than so many records does not come again
const DAY = 24 * 3600;

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
  return (event.data.pictures ?? [])
    .filter((picture) => picture.data)
    .every((picture) => createHash("sha256").update(picture.data, "base64").digest("hex") === picture.sha256);
}

const seen = new Set();
const hits = new Map();

function take(payload) {
  const event = JSON.parse(payload);
  if (seen.has(event.id)) return; // QoS 1: the same record may come again, with the same id
  seen.add(event.id);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  const post = event.source.split("/").pop();
  const file = join(given.keys, `${post}.pem`);
  if (!existsSync(file)) {
    console.log(`NOT SHOWN  ${post}: no key of this post here`);
  } else if (!genuine(event, createPublicKey(readFileSync(file)))) {
    console.log(`NOT SHOWN  ${post}: not signed by this post`);
  } else if (event.type === "platepost.hit.v1") {
    show(post, event.data);
  } else if (event.type === "platepost.hit.withdrawn.v1") {
    console.log(`WITHDRAWN  ${post}  ${hits.get(event.data.hit) ?? "a hit not seen here"}`);
    hits.delete(event.data.hit);
  }
}

function show(post, hit) {
  const listed = hit.plate_matched === hit.plate_read ? "" : `, list says ${hit.plate_matched}`;
  const line = `${hit.plate_read}  ${hit.category}, ${hit.match}${listed}`;
  hits.set(hit.hit, line);
  console.log(`UNVERIFIED ${post}  ${line}${hit.hotlist_stale ? "  THE LIST IS OLD" : ""}`);
  console.log(`           ${hit.wording}`);
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
  // Acknowledges after a hit was shown, not before.
  customHandleAcks: (topic, message, packet, done) => {
    take(message);
    done(0);
  },
});
client.on("connect", async () => {
  const [granted] = await client.subscribeAsync(`alpr/v1/${given.agency}/+/hit/#`, { qos: 1 });
  if (granted.qos > 2) throw new Error(`the broker refuses the topic: ${granted.qos}`);
  console.log("listening");
});
client.on("error", (error) => {
  console.error(`${error.message}`);
  process.exit(1);
});
