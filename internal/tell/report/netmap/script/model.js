// What the page knows: who reaches whom, and why.
const data = JSON.parse(document.getElementById("data").textContent);
const { groups, ends } = data;
const PODS = 0, HOST = 1, NODE = 2, BLOCK = 3, PUBLISHER = 4;
const WAYS = ["ingress", "egress"];
const outside = (g) => groups[g].k !== "namespace";

// Sets of ports are numbers of lists of ranges.
const ports = [], portNumbers = new Map();
const portsOf = (ranges) => {
  const key = ranges.join();
  if (!portNumbers.has(key)) portNumbers.set(key, ports.push(ranges) - 1);
  return portNumbers.get(key);
};
data.ports.forEach(portsOf);
const NONE = portsOf([]), ALL = portsOf([1, 65535, 65537, 131071, 131073, 196607]);
const kept = (make) => {
  const known = new Map();
  return (a, b) => {
    const key = a * 4194304 + b;
    let is = known.get(key);
    if (is === undefined) known.set(key, is = make(a, b));
    return is;
  };
};
const union = kept((a, b) => {
  if (a === b || b === NONE) return a;
  const pairs = [];
  for (const of of [ports[a], ports[b]]) for (let i = 0; i < of.length; i += 2) pairs.push([of[i], of[i + 1]]);
  pairs.sort((x, y) => x[0] - y[0]);
  const all = [];
  for (const [from, to] of pairs) {
    const n = all.length;
    if (n && from <= all[n - 1] + 1 && from >> 16 === all[n - 1] >> 16) all[n - 1] = Math.max(all[n - 1], to);
    else all.push(from, to);
  }
  return portsOf(all);
});
const meet = kept((a, b) => {
  const all = [], x = ports[a], y = ports[b];
  for (let i = 0, j = 0; i < x.length && j < y.length;) {
    const from = Math.max(x[i], y[j]), to = Math.min(x[i + 1], y[j + 1]);
    if (from <= to) all.push(from, to);
    if (x[i + 1] < y[j + 1]) i += 2;
    else j += 2;
  }
  return portsOf(all);
});
const portWords = (of) => {
  if (of === NONE) return "none";
  if (of === ALL) return "all ports";
  const by = ["", "", ""], x = ports[of];
  for (let i = 0; i < x.length; i += 2) {
    const p = x[i] >> 16, from = x[i] & 65535, to = x[i + 1] & 65535;
    by[p] += (by[p] ? "," : "") + (from === 1 && to === 65535 ? "all" : from === to ? from : `${from}-${to}`);
  }
  return ["TCP", "UDP", "SCTP"].map((name, p) => by[p] && `${name} ${by[p]}`).filter(Boolean).join("; ");
};
const hasPort = (of, number, protocol) => {
  const x = ports[of];
  for (let i = 0; i < x.length; i += 2) {
    if ((protocol < 0 || x[i] >> 16 === protocol) && (x[i] & 65535) <= number && number <= (x[i + 1] & 65535)) return true;
  }
  return false;
};

// Why one class takes part in connections with a peer: which sets of its face the peer is in says it.
const isIn = (runs, c) => {
  let low = 0, high = runs.length / 2;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (runs[2 * mid + 1] < c) low = mid + 1;
    else high = mid;
  }
  return 2 * low < runs.length && runs[2 * low] <= c;
};
const faceSides = [];
const whyOf = (face, peer) => {
  const [sets, sides] = data.faces[face];
  let known = faceSides[face];
  if (!known) {
    known = faceSides[face] = new Map();
    for (let i = 0; i < sides.length; i += 2) known.set(sides[i].join(), sides[i + 1]);
  }
  let key = "";
  for (let k = 0; k < sets.length; k++) if (isIn(data.sets[sets[k]], peer)) key += (key ? "," : "") + k;
  return known.get(key);
};
const allowedByBoth = kept((out, into) => {
  let all = NONE;
  const a = data.whys[out], b = data.whys[into];
  for (let i = 0; i < a.length; i += 2) {
    for (let j = 0; j < b.length; j += 2) {
      if (data.reasons[a[i + 1]][0] && data.reasons[b[j + 1]][0]) all = union(all, meet(a[i], b[j]));
    }
  }
  return all;
});
const connectable = (a, b) => {
  const x = data.classes[a], y = data.classes[b];
  return (x[0] === PODS || y[0] === PODS) && (x[1] & y[1]) !== 0;
};
// The ports on which a class reaches another.
const reaches = (a, b) => connectable(a, b) ? allowedByBoth(whyOf(data.classes[a][4], b), whyOf(data.classes[b][3], a)) : NONE;

const ownNode = (from, to) => to.k === PODS && to.on !== undefined && from.on === to.on && (from.k === NODE || from.k === HOST);
const one = (e) => !ends[e].s && ends[e].k !== BLOCK;
// The ports on which some ends reach others.
const between = (from, to) => {
  let all = NONE;
  if (!data.classes) return all;
  if (from.ends.length === 1 && to.ends.length === 1 && from.ends[0] === to.ends[0] && one(from.ends[0])) return all;
  for (const a of from.classes) for (const b of to.classes) all = union(all, reaches(a, b));
  if (from.placed && to.placed && from.ends.some((e) => to.ends.some((f) => ownNode(ends[e], ends[f])))) all = union(all, ALL);
  return all;
};
// All answers about two ends, as plimsoll net allowed gives them.
const answers = (e, f) => {
  const all = [];
  if (!data.classes) return all;
  for (const a of ends[e].c || []) {
    for (const b of ends[f].c || []) {
      if (!connectable(a, b)) continue;
      const out = data.whys[whyOf(data.classes[a][4], b)], into = data.whys[whyOf(data.classes[b][3], a)];
      for (let i = 0; i < out.length; i += 2) {
        for (let j = 0; j < into.length; j += 2) {
          const on = meet(out[i], into[j]);
          if (on === NONE) continue;
          const egress = data.reasons[out[i + 1]], ingress = data.reasons[into[j + 1]], own = ownNode(ends[e], ends[f]);
          all.push({ ports: on, egress, ingress, own, allowed: own || Boolean(egress[0] && ingress[0]) });
        }
      }
    }
  }
  return all;
};

const NATURAL = new Intl.Collator("en", { numeric: true }); // app9 before app10
// Things: ends of a group that are treated alike. A folded group is one thing of all its ends.
const members = groups.map(() => []);
ends.forEach((e, i) => members[e.g].push(i));
const thing = (id, group, list) => ({
  id, group, ends: list, classes: [...new Set(list.flatMap((e) => ends[e].c || []))], placed: list.some((e) => ends[e].on !== undefined),
});
const wholes = groups.map((_, g) => thing("g" + g, g, members[g]));
const hosting = new Set(ends.filter((e) => e.k === PODS && e.on !== undefined).map((e) => e.on));
const partsKnown = [], thingOf = [];
const parts = (g) => {
  if (partsKnown[g]) return partsKnown[g];
  const by = new Map();
  for (const e of members[g]) {
    const of = ends[e], key = of.k === PUBLISHER ? "p" + e : `${of.k} ${of.c} ${hosting.has(of.on) ? of.on : ""} ${of.s ? "" : e}`;
    if (!by.has(key)) by.set(key, []);
    by.get(key).push(e);
  }
  partsKnown[g] = Array.from(by.values(), (list) => thing("e" + list[0], g, list));
  if (groups[g].k === "namespace" || groups[g].k === "nodes") partsKnown[g].sort((a, b) => NATURAL.compare(ends[a.ends[0]].n, ends[b.ends[0]].n));
  for (const t of partsKnown[g]) for (const e of t.ends) thingOf[e] = t;
  return partsKnown[g];
};
const partOf = (e) => (parts(ends[e].g), thingOf[e]);
const full = (e) => ends[e].k === PODS || ends[e].k === HOST ? `${groups[ends[e].g].n}/${ends[e].n}` : ends[e].k === NODE ? `node ${ends[e].n}` : ends[e].n;

// Who is published: by what, and on which ports.
const published = data.published || [];
const waysTo = new Map(), waysBy = new Map();
for (const p of published) {
  for (const [map, key] of [[waysTo, p[1]], [waysBy, p[0]]]) {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(p);
  }
}

// Groups that reach groups, both ways.
const outOf = groups.map(() => new Map()), into = groups.map(() => new Map());
const join = (from, to, on, way) => {
  for (const [map, key] of [[outOf[from], to], [into[to], from]]) {
    const was = map.get(key);
    map.set(key, { ports: was ? union(was.ports, on) : on, way });
  }
};
for (const [from, on, ...runs] of data.edges || []) {
  for (let i = 0; i < runs.length; i += 2) for (let to = runs[i]; to <= runs[i + 1]; to++) join(from, to, on, "");
}
for (const [by, to, , let_] of published) join(ends[by].g, ends[to].g, let_, "published");
// waysBetween are the ports that are let in, -1 where nothing leads there, and whether something leads there and is let in
// by nobody: neither hides the other.
const waysBetween = (from, to) => {
  let on = NONE, found = false, shut = false;
  const mine = new Set(to.ends);
  for (const e of from.ends) {
    for (const p of waysBy.get(e) || []) {
      if (mine.has(p[1])) {
        on = union(on, p[3]);
        found ||= p[3] !== NONE;
        shut ||= p[3] === NONE;
      }
    }
  }
  return [found ? on : -1, shut];
};
// isOf says that a thing is what was chosen, or in the group that was.
const isOf = (t, chosen) => Boolean(chosen) && (t === chosen || chosen.id[0] === "g" && t.group === chosen.group);
const about = (a, b) => data.only < 0 || a === data.only || b === data.only;
