// Verifies a month of a department's public page, by docs/public.md and nothing else, and prints what it says.
//
//   node report.mjs 2026-10.jws 2026-10.pem
//
// The key lies beside the page: compare it with one that you got from the department otherwise. Each count is a line: its
// part, a tab, its name, a tab, and the number or `withheld`. The exit code is 1 if the month is not as it was signed.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const fail = (why) => {
  console.error(why);
  process.exit(1);
};
const [message, pem] = process.argv.slice(2, 4).map((name) => readFileSync(name, "ascii").trim());
const parts = message.split(".");
if (parts.length !== 3) fail("it is no compact JWS");
const [header, said] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));
if (header.alg !== "ES256" || header.typ !== "platepost-transparency+jws") fail("it is not of this kind");
const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
const key = { key: createPublicKey(pem), dsaEncoding: "ieee-p1363" };
if (!verify("sha256", signed, key, Buffer.from(parts[2], "base64url"))) fail("the key did not sign it");
if (said.format !== "platepost-transparency-1") fail("it is of another format");

console.log(`${said.agency}\t${said.month}\t${said.policy?.sha256 ?? "no policy"}`);
for (const [part, counts] of Object.entries(said.counts)) {
  for (const [name, count] of Object.entries(counts)) {
    if (count !== null && count % 5 !== 0) fail(`${part}, ${name}: ${count} was not rounded`);
    console.log(`${part}\t${name}\t${count ?? "withheld"}`);
  }
}
