// The open hits as this page has them, by vehicle, in the order of the queue. It draws nothing.
import { me } from "./page.js";

export const hits = new Map();  // by record; in the order of their coming
const vehicles = new Map();  // by the first hit of a vehicle, the records of all of its hits that are open

// Takes what came of a hit; returns it as it was, and as it is now.
export function keep(data) {
  const former = hits.get(data.record), now = { ...former, ...data };
  if (former && former.revision !== now.revision && data.steps === undefined) delete now.steps;  // of another state
  hits.set(data.record, now);
  if (!vehicles.has(now.root)) vehicles.set(now.root, new Set());
  vehicles.get(now.root).add(now.record);
  return [former, now];
}

export function drop(record) {
  const { root } = hits.get(record) ?? {};
  hits.delete(record);
  vehicles.get(root)?.delete(record);
  if (!vehicles.get(root)?.size) vehicles.delete(root);
}

export function dropAll() {
  hits.clear();
  vehicles.clear();
}

// Hits of one vehicle by one entry; those that were withdrawn are apart. Someone who has one of them in hand has been alarmed.
export const gone = (hit) => hit.state === "withdrawn";
export const kin = (hit) => [...(vehicles.get(hit.root) ?? [])].map((record) => hits.get(record)).filter((each) => each.record !== hit.record && gone(each) === gone(hit));
export const inHand = (hit) => (gone(hit) ? hit.was !== "new" : hit.state !== "new");
// The repeats that someone decides together with a hit: those that are shown below it.
export const together = (hit) => kin(hit).filter((each) => !inHand(each)).sort(latest);
export const latest = (one, other) => (one.captured < other.captured ? 1 : -1);

// Whether this person may be the second one to compare it.
export const second = (hit) => hit.state === "waiting" && hit.eye_by !== me;
const urgent = (hit) => hit.state === "new" || hit.state === "withdrawn" || second(hit) || (hit.holder === me && ["taken", "confirmed"].includes(hit.state));

// One head for each vehicle, at whichever of its hits is in hand, or came first, and the others that are folded under it.
export function heads() {
  const groups = new Map();
  for (const hit of hits.values()) {
    const key = gone(hit) ? `withdrawn ${hit.root}` : hit.root;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(hit);
  }
  const entries = [];
  for (const all of groups.values()) {
    const held = all.filter(inHand), others = all.filter((each) => !inHand(each)).sort((one, other) => -latest(one, other));
    const [head, ...more] = held.length ? held : others.splice(0, 1);
    const newest = [head, ...others].reduce((time, each) => (each.arrived > time ? each.arrived : time), "");
    entries.push({ head, again: others, newest }, ...more.map((each) => ({ head: each, again: [], newest: each.arrived })));
  }
  return entries.sort((one, other) =>
    urgent(other.head) - urgent(one.head) || one.head.priority - other.head.priority || second(other.head) - second(one.head) || (one.newest < other.newest ? 1 : -1));
}

// Those of the queue that no one has taken, or that wait for a second person, and are recent enough to alarm.
export const toTake = (queue) => queue.filter(({ head, again }) => (head.state === "new" || second(head)) && [head, ...again].some((each) => !each.late)).map(({ head }) => head);
