// A department that is no Platepost, and answers and asks partner departments that are: written from
// docs/contract/federation.md and nothing else. Needs only Node.
//
//   node partner.mjs ask --url https://plates.riverside.example:8602 --to riverside-pd --plate '7ABC12?' \
//     --person b.stone --purpose 'stolen vehicle' --reason 'robbery on Main Street' --case 26-00417 IDENTITY
//   node partner.mjs serve --port 8603 --reads reads.json IDENTITY
//
// IDENTITY is --agency oakdale-pd --key key.pem --certificate certificate.pem --partner riverside.pem. `ask` prints what the
// partner decided and found, as JSON, and stores nothing: a real department enters the query in its own log first, and
// the receipt before it shows anything. reads.json is a list of {"record", "captured_at", "plate_read", "post", "fields"}.
import { createHash, createPrivateKey, createPublicKey, randomBytes, randomUUID, sign, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { parseArgs } from "node:util";

const texts = ["url", "to", "plate", "open", "person", "purpose", "reason", "case", "port", "reads", "agency", "key", "certificate", "partner"];
const options = Object.fromEntries(texts.map((name) => [name, { type: "string" }]));
const { values: given, positionals } = parseArgs({ options, allowPositionals: true });

const QUERY = "platepost-federated-query+jws";
const RECEIPT = "platepost-federated-receipt+jws";
const LARGEST = 64 * 1024;
const FRESH_SECONDS = 60;
const POLICY = "0".repeat(64); // the SHA-256 of this department's policy file

const key = createPrivateKey(readFileSync(given.key));
const certificate = readFileSync(given.certificate);
const partnerPem = readFileSync(given.partner);
const partner = new X509Certificate(partnerPem);
// Exactly the certificate that was agreed on, which vouches for itself.
const tls = { key: readFileSync(given.key), cert: certificate, ca: partnerPem, minVersion: "TLSv1.3" };

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256"));
const hex = (...parts) => sha256(...parts).digest("hex");
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// RFC 7638
function thumbprint(publicKey) {
  const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
  return sha256(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

function signed(payload, typ) {
  const head = encoded({ alg: "ES256", kid: thumbprint(createPublicKey(key)), typ });
  const content = `${head}.${encoded(payload)}`;
  return `${content}.${sign("sha256", content, { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function opened(message, typ) {
  const [head, payload, signature] = message.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url"));
  const good = verify(
    "sha256", `${head}.${payload}`, { key: partner.publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"),
  );
  if (header.alg !== "ES256" || header.typ !== typ || !good) throw new Error(`not a ${typ} that this partner signed`);
  return JSON.parse(Buffer.from(payload, "base64url"));
}

function post(path, message) {
  const where = new URL(path, given.url);
  return new Promise((resolve, reject) => {
    const call = request(where, { ...tls, method: "POST", headers: { "Content-Type": "application/jose" }, timeout: 2500 }, (answer) => {
      const shown = answer.socket.getPeerX509Certificate();
      if (shown?.fingerprint256 !== partner.fingerprint256) return reject(new Error("another certificate than the one agreed on"));
      let body = "";
      answer.on("data", (part) => {
        body += part;
        if (body.length > LARGEST) call.destroy(new Error("the answer is too large"));
      });
      answer.on("end", () => resolve([answer.statusCode, body]));
    });
    call.on("timeout", () => call.destroy(new Error("no answer within 2.5 s")));
    call.on("error", reject);
    call.end(message);
  });
}

async function ask() {
  const query = {
    id: randomUUID(), agency: given.agency, to: given.to, time: new Date().toISOString(), person: given.person,
    purpose: given.purpose, exigent: false, reason: given.reason, policy: POLICY,
    asked: { plate: given.plate, look_alikes: 0, one_wrong: false },
  };
  if (given.open) query.asked.opened = given.open;
  // The salt and the number stay here until the partner demands them. JSON text with only ASCII characters.
  if (given.case) query.case = hex(randomBytes(16), "case\0", JSON.stringify(given.case));
  const text = signed(query, QUERY);
  const [status, body] = await post("/query", text);
  if (status !== 200) throw new Error(`${given.to} answered ${status}: ${body.slice(0, 200)}`);
  const { receipt, findings } = JSON.parse(body);
  const decided = opened(receipt, RECEIPT);
  if (decided.agency !== given.to || decided.query !== text) throw new Error("the receipt is for another query");
  if (decided.found !== hex(findings)) throw new Error("the findings are not those of the receipt");
  const { decision, why, kept_days } = decided;
  console.log(JSON.stringify({ decision, why, kept_days, ...(findings ? JSON.parse(findings) : {}) }));
}

const answered = new Map(); // by the query's id: its digest, and the receipt that was given

function answer(message, reads) {
  const query = opened(message, QUERY);
  const { id, agency, to, time, asked } = query;
  if (to !== given.agency || agency !== given.to) return [403, "from or to another department"];
  const former = answered.get(id);
  if (former) return [409, former.digest === hex(message) ? JSON.stringify({ receipt: former.receipt, findings: "" }) : ""];
  if (Math.abs(Date.now() - Date.parse(time)) > FRESH_SECONDS * 1000) return [400, "its time is not now"];
  // A real department decides by its own policy, law and agreements, and enters that before it answers.
  const allowed = query.purpose === "stolen vehicle" && Boolean(query.reason);
  const fits = new RegExp(`^${asked.plate.replace(/[^A-Z0-9?*]/gi, "").replaceAll("?", ".").replaceAll("*", ".*")}$`, "i");
  const found = reads.filter(({ plate_read }) => fits.test(plate_read));
  let findings = "";
  if (allowed && asked.opened) {
    findings = JSON.stringify({ reads: found.filter(({ plate_read }) => plate_read === asked.opened).slice(0, 50) });
  } else if (allowed) {
    const plates = [...new Set(found.map(({ plate_read }) => plate_read))].sort().slice(0, 25).map((plate) => {
      const times = found.filter(({ plate_read }) => plate_read === plate).map(({ captured_at }) => captured_at).sort();
      return { plate, spelled: plate, count: times.length, first_seen: times[0], last_seen: times.at(-1) };
    });
    findings = JSON.stringify({ plates });
  }
  const count = findings ? Object.values(JSON.parse(findings))[0].length : 0;
  const receipt = signed({
    agency: given.agency, time: new Date().toISOString(), query: message, decision: allowed ? "answered" : "refused",
    why: allowed ? "" : "this purpose is not in the agreement", found: hex(findings), count, law: "other", policy: POLICY,
    kept_days: { hit: 365, no_hit: 30 },
  }, RECEIPT);
  answered.set(id, { digest: hex(message), receipt });
  return [200, JSON.stringify({ receipt, findings })];
}

function serve() {
  const reads = JSON.parse(readFileSync(given.reads));
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, async (call, reply) => {
    let message = "";
    for await (const part of call) {
      message += part;
      if (message.length > LARGEST) break;
    }
    let [status, body] = [404, ""];
    try {
      if (message.length > LARGEST) [status, body] = [413, "too large"];
      else if (call.method === "POST" && call.url === "/query") [status, body] = answer(message, reads);
    } catch (error) {
      [status, body] = [403, error.message];
    }
    reply.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", Connection: "close" });
    reply.end(body);
  });
  server.listen(Number(given.port), "127.0.0.1", () => console.log("ready"));
}

try {
  await { ask, serve }[positionals[0]]();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
