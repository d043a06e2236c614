// Opens evidence packages, written from docs/evidence-format.md, and checks them by the program of their page.
//
//   node evidence.mjs CUSTODIAN.pem REGISTER.pem [--open-with PRIVATE.pem] FILE...
//
// Prints a line of JSON for each file: what is wrong with it, and how much was checked.
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { keyOf } from "./records.mjs";

const check = (holds, problem) => {
  if (!holds) throw new Error(problem);
};

// --- base64url in its one form

function decoded(part) {
  const bytes = Buffer.from(part, "base64url");
  check(bytes.toString("base64url") === part, "a part is not base64url");
  return bytes;
}

// --- the sealed file

function unsealed(sealed, pem) {
  const parts = sealed.split(".");
  check(parts.length === 5, "not a compact JWE");
  const [head, wrapped, iv, ciphertext, tag] = parts.map(decoded);
  const header = JSON.parse(head);
  check(header.typ === "platepost-evidence+jwe" && header.enc === "A256GCM", "not a sealed package");
  const key = crypto.createPrivateKey(pem);
  const content = header.alg === "RSA-OAEP-256" ? byRsa(key, wrapped) : byEcdh(header, key, wrapped);
  const decipher = crypto.createDecipheriv("aes-256-gcm", content, iv);
  decipher.setAAD(Buffer.from(parts[0]));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function byRsa(key, wrapped) {
  const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING;
  return crypto.privateDecrypt({ key, padding, oaepHash: "sha256" }, wrapped);
}

function byEcdh(header, privateKey, wrapped) {
  check(header.alg === "ECDH-ES+A256KW", "another algorithm");
  const publicKey = crypto.createPublicKey({ key: header.epk, format: "jwk" });
  const secret = crypto.diffieHellman({ privateKey, publicKey });
  const number = (value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
  const sized = (bytes) => Buffer.concat([number(bytes.length), bytes]);
  const info = [sized(Buffer.from(header.alg)), sized(Buffer.alloc(0)), sized(Buffer.alloc(0)), number(256)];
  const wrapping = crypto.createHash("sha256").update(Buffer.concat([number(1), secret, ...info])).digest();
  const unwrap = crypto.createDecipheriv("id-aes256-wrap", wrapping, Buffer.alloc(8, 0xa6));
  return Buffer.concat([unwrap.update(wrapped), unwrap.final()]);
}

// --- the check: the program of the page that each package has

async function checked(bytes, thumbprints) {
  const check = await packageCheck.checkPackage(new Uint8Array(bytes), thumbprints);
  const problems = [...check.problems, ...check.records.flatMap((record) => record.problems)];
  return { problem: problems[0] ?? null, records: check.records.length, links: check.linked, entries: check.entries };
}

const [custodian, register] = process.argv.slice(2, 4).map((file) => keyOf(readFileSync(file)).thumbprint);
const given = process.argv.slice(4);
const pem = given[0] === "--open-with" ? readFileSync(given.splice(0, 2)[1]) : null;
for (const file of given) {
  try {
    const bytes = pem ? unsealed(readFileSync(file, "latin1"), pem) : readFileSync(file);
    console.log(JSON.stringify(await checked(bytes, { custodian, register })));
  } catch (error) {
    console.log(JSON.stringify({ problem: error.message }));
  }
}
