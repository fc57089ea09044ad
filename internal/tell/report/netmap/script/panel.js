// What is told of what was chosen.
const MOST_LISTED = 100, MOST_TRIED = 400000;

const where = (at) => at ? make("span", { class: "at" }, at) : null;
const ruleItem = (r) => make("li", {}, data.rules[r].n, " ", where(data.rules[r].w));
const policyItem = (p) => make("li", {}, data.policies[p].n, " ", where(data.policies[p].w));

// because says why one end takes part, or does not.
const because = (reason, end, way) => {
  if (ends[end].k !== PODS) return [make("p", {}, `${way}: no policy speaks of ${full(end)}.`)];
  const [allowed, rules, isolating, passed] = reason;
  const all = [];
  if (rules.length) all.push(make("p", {}, `${way}: ${allowed ? "allowed" : "denied"} by`), make("ul", {}, ...rules.map(ruleItem)));
  else if (isolating.length) all.push(make("p", {}, `${way}: no rule allows it; isolated by`), make("ul", {}, ...isolating.map(policyItem)));
  else all.push(make("p", {}, `${way}: no policy says anything about ${way} of ${full(end)}.`));
  if (passed >= 0) all.push(make("p", {}, "passed to the next tier by"), make("ul", {}, ruleItem(passed)));
  return all;
};

const answerItem = (a, e, f) => {
  const all = [make("p", { class: "answer" }, make("span", { class: "pill " + (a.allowed ? "pass" : "deny") }, a.allowed ? "allowed" : "refused"), " ", portWords(a.ports))];
  if (a.own) all.push(make("p", {}, "A pod's own node always reaches it."));
  else {
    if (ends[e].k === PODS) all.push(...because(a.egress, e, "egress"));
    if (ends[f].k === PODS) all.push(...because(a.ingress, f, "ingress"));
  }
  return make("li", { class: a.allowed ? "allowed" : "refused" }, ...all);
};

const wayItem = (p, act) => make("li", {}, link(ends[p[0]].n, () => act.choose(partOf(p[0]))), ` leads to `, link(full(p[1]), () => act.choose(partOf(p[1]))),
  ` on ${portWords(p[2])}; let in: ${portWords(p[3])}${p[4] ? "; who brings it is not among what was read" : ""}`);

// shortly is ports in a list, where their number would hide who has them.
const shortly = (on, more = "") => {
  const words = portWords(on), short = cut(words, 80);
  return make("span", { class: "ports", title: short === words ? false : words }, short + more);
};
const link = (text, go) => make("button", { type: "button", class: "link", do: go }, text);
const section = (title, ...children) => make("section", {}, make("h3", {}, title), ...children);
const rest = (n) => n > 0 ? make("p", { class: "more" }, `and ${n.toLocaleString("en")} more`) : null;
const list = (all, item) => [make("ul", { class: "plain" }, ...all.slice(0, MOST_LISTED).map(item)), rest(all.length - MOST_LISTED)];

// tellEdge tells of a connection: its answers, or between which ends it is.
const tellEdge = (a, b, act) => {
  const head = [make("h2", { tabindex: "-1" }, make("bdi", {}, thingWords(a)), " → ", make("bdi", {}, thingWords(b)))];
  const ways = published.filter((p) => a.ends.includes(p[0]) && b.ends.includes(p[1]));
  if (ways.length) return [...head, section("Published", ...list(ways, (p) => wayItem(p, act)))];
  if (a.id[0] === "g" || b.id[0] === "g") return [...head, ...tellPairs(a, b, act)];
  const e = a.ends[0], f = a === b ? a.ends[a.ends.length > 1 ? 1 : 0] : b.ends[0], all = answers(e, f);
  const yes = all.filter((x) => x.allowed), no = all.filter((x) => !x.allowed);
  const out = [...head];
  if (a.ends.length > 1 || b.ends.length > 1) out.push(make("p", { class: "more" }, `Said of ${full(e)} and ${full(f)}; those that are alike are treated alike.`));
  if (!all.length) out.push(make("p", {}, data.classes ? "They have no address of one family, or no policy could speak of either." : "Reasons were left out of this page."));
  if (yes.length) out.push(section("Allowed", make("ul", { class: "plain" }, ...yes.map((x) => answerItem(x, e, f)))));
  if (no.length) out.push(section("Refused", make("ul", { class: "plain" }, ...no.map((x) => answerItem(x, e, f)))));
  return out;
};

// tellPairs lists which things of two groups have a connection.
const tellPairs = (a, b, act) => {
  const from = a.id[0] === "g" ? parts(a.group) : [a], to = b.id[0] === "g" ? parts(b.group) : [b];
  const found = [];
  let tried = 0, whole = Boolean(data.classes);
  for (const x of from) {
    for (const y of to) {
      if (++tried > MOST_TRIED || found.length > MOST_LISTED) {
        whole = false;
        break;
      }
      const on = between(x, y);
      if (on !== NONE) found.push([x, y, on]);
    }
  }
  const edge = outOf[a.group].get(b.group);
  return [
    make("p", {}, `On at least one of them: ${edge ? cut(portWords(edge.ports), 300) : "none"}.`),
    section("Connections", make("ul", { class: "plain" }, ...found.slice(0, MOST_LISTED).map(([x, y, on]) => make("li", {}, link(`${thingWords(x)} → ${thingWords(y)}`, () => act.chooseEdge(x, y)), " ", shortly(on)))),
      whole ? null : make("p", { class: "more" }, data.classes ? "and more: unfold them, or search for one." : "Which ones was left out of this page.")),
  ];
};

// peers lists whom a thing reaches, or who reaches it, by groups and ports: what is told of some is true of each.
const peers = (t, outgoing) => {
  const all = [];
  const near = outgoing ? outOf[t.group] : into[t.group];
  for (const [g, { way }] of near) {
    if (way || !about(g, t.group)) continue;
    const by = new Map();
    for (const other of parts(g)) {
      const is = outgoing ? between(t, other) : between(other, t);
      if (is === NONE) continue;
      if (!by.has(is)) by.set(is, []);
      by.get(is).push(other);
    }
    for (const [on, some] of by) all.push({ g, some, on, every: some.length === parts(g).length });
  }
  return all.sort((x, y) => x.g - y.g);
};
const peerItem = (of, t, outgoing, act) => {
  const go = (other) => () => outgoing ? act.chooseEdge(t, other) : act.chooseEdge(other, t);
  const name = groups[of.g].n;
  if (of.some.length === 1) return make("li", {}, link(thingWords(of.some[0]), go(of.some[0])), " ", shortly(of.on));
  const total = of.some.reduce((n, other) => n + other.ends.length, 0);
  return make("li", {}, make("details", {}, make("summary", {}, make("bdi", {}, name), ` ${of.every ? "all " + total : total + " of " + members[of.g].length} `, shortly(of.on)),
    make("ul", { class: "plain" }, ...of.some.slice(0, MOST_LISTED).map((other) => make("li", {}, link(thingName(other), go(other))))), rest(of.some.length - MOST_LISTED)));
};

// held says whether a thing's pods are refused what no rule allows, by direction.
const held = (t) => {
  const rows = [];
  for (const d of [0, 1]) {
    const isolated = t.classes.some((c) => data.classes[c][2] & (1 << d)), everybody = (ends[t.ends[0]].open || 0) & (1 << d);
    rows.push(make("dt", {}, WAYS[d]), make("dd", {}, isolated ? (everybody ? "isolated, but rules allow everybody" : "only what rules allow: isolated by a NetworkPolicy") : everybody ? "open to everybody: nothing isolates it" : "not isolated by any NetworkPolicy"));
  }
  return make("dl", {}, ...rows);
};

const tellThing = (t, act) => {
  const head = make("h2", { tabindex: "-1" }, make("bdi", {}, thingWords(t)));
  const first = ends[t.ends[0]];
  if (first.k === PUBLISHER) return [head, section("Leads to", ...list(waysBy.get(t.ends[0]) || [], (p) => wayItem(p, act)))];
  const out = [head];
  if (t.ends.length > 1) out.push(section("Alike", make("p", { class: "more" }, "All policies treat them alike."), ...list(t.ends, (e) => make("li", {}, full(e)))));
  if (first.k === HOST) out.push(make("p", {}, "In the network of its node: no policy selects it."));
  if (first.l) out.push(make("p", { class: "labels" }, ...first.l.flatMap((l) => [make("code", {}, data.labels[l]), " "])));
  if (!data.classes) return [...out, make("p", {}, "Its connections were left out of this page.")];
  if (first.k === PODS) {
    const selected = [...new Set(t.classes.flatMap((c) => data.chosen[data.classes[c][5]]))];
    out.push(section("Default", held(t)));
    out.push(section("Policies that select it", selected.length ? make("ul", { class: "plain" }, ...selected.slice(0, MOST_LISTED).map((p) => make("li", {}, data.policies[p].n, " ", where(data.policies[p].w), make("span", { class: "sub" }, ` selects ${data.policies[p].s}`)))) : make("p", {}, "None."), rest(selected.length - MOST_LISTED)));
  }
  const ways = t.ends.flatMap((e) => waysTo.get(e) || []);
  if (ways.length) out.push(section("Published by", ...list(ways, (p) => wayItem(p, act))));
  for (const outgoing of [false, true]) {
    const all = peers(t, outgoing);
    out.push(section(outgoing ? "Reaches" : "Is reached by", all.length ? make("ul", { class: "plain" }, ...all.map((of) => peerItem(of, t, outgoing, act))) : make("p", {}, "Nobody.")));
  }
  return out;
};

const tellGroup = (g, act) => {
  const names = (map, outgoing) => Array.from(map).filter(([h]) => about(g, h)).sort((a, b) => a[0] - b[0]).map(([h, { ports: on, way }]) => ({ h, on, way }));
  const one = (h) => members[h].length === 1 && members[g].length === 1;
  const item = (outgoing) => ({ h, on, way }) => make("li", {}, link(groups[h].n, () => outgoing ? act.chooseEdge(wholes[g], wholes[h]) : act.chooseEdge(wholes[h], wholes[g])), h === g ? " (among themselves) " : " ", shortly(on, way ? ", as published" : one(h) ? "" : " (on at least one)"));
  const from = names(into[g]), to = names(outOf[g]);
  return [
    make("h2", { tabindex: "-1" }, make("bdi", {}, thingWords(wholes[g]))),
    make("p", {}, inGroup(g) + "."),
    section("Is reached by", ...(from.length ? list(from, item(false)) : [make("p", {}, "Nobody.")])),
    section("Reaches", ...(to.length ? list(to, item(true)) : [make("p", {}, "Nobody.")])),
    section("In it", ...list(parts(g), (t) => make("li", {}, link(thingName(t), () => act.choose(t)), open(t) ? make("span", { class: "sub" }, " " + open(t)) : null))),
  ];
};
