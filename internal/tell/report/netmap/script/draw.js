// What is drawn. Names are text alone, never markup.
const $ = (id) => document.getElementById(id);
const make = (name, attributes, ...children) => {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k === "do") e.addEventListener("click", v);
    else if (v !== false) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
};
const shape = (name, attributes, ...children) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
};
const cut = (text, most) => {
  const all = Array.from(text);
  return all.length > most ? all.slice(0, most - 1).join("") + "…" : text;
};
// fit is as much of a text as there is room for, in the font that it is drawn with.
const pen = document.createElement("canvas").getContext("2d");
const fit = (text, room, font) => {
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  const all = Array.from(text);
  let n = Math.min(all.length, 100);
  const said = () => (n < all.length ? all.slice(0, n).join("") + "…" : text);
  while (n > 1 && pen.measureText(said()).width > room) n--;
  return said();
};
const width = (text, font) => {
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
};
const many = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

const KINDS = { namespace: ["workload", "workloads"], nodes: ["node", "nodes"], internet: ["block", "blocks"], addresses: ["block", "blocks"], published: ["object that publishes", "objects that publish"] };
const inGroup = (g) => {
  const n = members[g].length, [single, plural] = KINDS[groups[g].k];
  return `${n.toLocaleString("en")} ${n === 1 ? single : plural}`;
};
const thingName = (t) => {
  if (t.id[0] === "g") return groups[t.group].n;
  const first = ends[t.ends[0]].n;
  return t.ends.length > 1 ? `${first} and ${t.ends.length - 1} alike` : first;
};
const thingWords = (t) => {
  if (t.id[0] === "g") return `${groups[t.group].k === "namespace" ? "namespace " : ""}${groups[t.group].n}`;
  const name = full(t.ends[0]);
  return t.ends.length > 1 ? `${name} and ${t.ends.length - 1} alike` : name;
};

const SIDES = { l: "from outside", r: "to outside", "": "" };
const NAME = "600 13px"; // as the style sheet has it
const SUB = "400 12px";
const LABELS = 30; // edges whose ports fit beside them

// draw shows a layout, with what is chosen and what the search found.
const draw = (svg, of, state, act) => {
  const heads = !of.focus && of.boxes.some((b) => b.side) ? 26 : 0;
  const marker = (id) => shape("marker", { id, viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, shape("path", { d: "M0 0L8 4L0 8z" }));
  const back = shape("g", { transform: `translate(0 ${heads})` }), lines = shape("g", { transform: `translate(0 ${heads})` }), front = shape("g", { transform: `translate(0 ${heads})` });
  const taken = of.boxes.flatMap((b) => b.things.map((p) => [p.x + p.w / 2, p.y + p.h / 2, p.w / 2, p.h / 2]));
  const titles = shape("g", { class: "titles", "aria-hidden": "true" });
  for (const side of ["l", "r"]) {
    const first = !of.focus && of.boxes.find((b) => b.side === side);
    if (first) titles.append(shape("text", { x: first.x + (first.open ? 8 : 0), y: 20 }, SIDES[side]));
  }
  for (const b of of.boxes) if (b.open) back.append(drawBox(b, act));
  for (const e of of.edges) e.hot = isHot(e, state);
  const said = of.edges.length <= LABELS ? () => true : of.edges.filter((e) => e.hot).length <= LABELS ? (e) => e.hot : () => false;
  for (const e of of.edges) lines.append(drawEdge(e, said(e), state, act, taken));
  for (const b of of.boxes) for (const p of b.things) front.append(drawThing(p, state, act));
  lines.setAttribute("class", of.edges.length > 150 ? "lines thin" : "lines");
  svg.replaceChildren(shape("defs", {}, marker("tip"), marker("tip-hot")), titles, back, lines, front);
  svg.setAttribute("viewBox", `0 0 ${of.size.w} ${of.size.h + heads}`);
};

const drawBox = (b, act) => {
  const words = groups[b.group].n;
  const fold = shape("g", { class: "fold", role: "button", tabindex: "-1", "aria-label": `fold ${words}` },
    shape("rect", { x: b.x + b.w - 30, y: b.y + 6, width: 22, height: 22, rx: 5 }), shape("text", { x: b.x + b.w - 19, y: b.y + 22, "text-anchor": "middle" }, "−"));
  fold.addEventListener("click", () => act.fold(b.group));
  const head = shape("text", { class: "head", x: b.x + 10, y: b.y + 22, role: "button", "aria-label": `${words}: show` }, fit(words, b.w - 50, "700 13.5px"));
  head.addEventListener("click", () => act.choose(wholes[b.group]));
  const all = [shape("title", {}, words), shape("rect", { class: "frame", x: b.x, y: b.y, width: b.w, height: b.h, rx: 10 }), head, fold];
  if (b.more) all.push(shape("text", { class: "more", x: b.x + 10, y: b.y + b.h - 10 }, `${b.more.toLocaleString("en")} more: search for them`));
  return shape("g", { class: "box " + groups[b.group].k }, ...all);
};

const drawThing = (p, state, act) => {
  const t = p.thing, whole = t.id[0] === "g", found = state.found && state.found(t);
  const mark = ["node", groups[t.group].k, whole ? "whole" : "part"];
  if (state.chosen === t) mark.push("chosen");
  if (found) mark.push("found");
  if (state.near ? !state.near.has(t) : state.found && !found) mark.push("dim");
  const label = `${thingWords(t)}${p.box.side ? ", " + SIDES[p.box.side] : ""}${whole ? ", " + inGroup(t.group) + (data.classes ? ", folded" : "") : ""}${opened(t) ? ", " + opened(t) : ""}`;
  const all = [shape("title", {}, thingWords(t)), shape("rect", { x: p.x, y: p.y, width: p.w, height: p.h, rx: 7 })];
  const [first, beside] = nameAndKind(t), room = p.w - (whole ? 60 : 32), name = fit(first, room, NAME);
  all.push(shape("text", { class: "name", x: p.x + 10, y: p.y + 20 }, name));
  const left = room - width(name, NAME) - 8;
  if (beside && left > 24) all.push(shape("text", { class: "sub", x: p.x + 18 + width(name, NAME), y: p.y + 20 }, fit(beside, left, SUB)));
  if (whole) {
    all.push(shape("text", { class: "sub", x: p.x + 10, y: p.y + 37 }, inGroup(t.group)));
    const fold = shape("g", { class: "fold", "aria-hidden": "true" }, shape("rect", { x: p.x + p.w - 30, y: p.y + 12, width: 22, height: 22, rx: 5 }),
      shape("text", { x: p.x + p.w - 19, y: p.y + 28, "text-anchor": "middle" }, "+"));
    fold.addEventListener("click", (e) => {
      e.stopPropagation();
      act.fold(t.group);
    });
    if (data.classes) all.push(fold);
  }
  if (opened(t)) all.push(shape("circle", { class: "open", cx: p.x + p.w - (whole ? 42 : 12), cy: p.y + p.h / 2, r: 4 }, shape("title", {}, opened(t))));
  const node = shape("g", { class: mark.join(" "), role: "button", tabindex: "-1", "aria-label": label, "data-id": p.box.side + t.id, "aria-pressed": String(state.chosen === t) }, ...all);
  p.node = node;
  node.addEventListener("click", () => act.choose(t, node));
  return node;
};

// open says that nothing holds a thing, and in which direction.
const open = (t) => {
  const is = ends[t.ends[0]].open || 0;
  return is === 3 ? "takes connections from everybody, and opens them to everybody" : is === 1 ? "takes connections from everybody" : is === 2 ? "opens connections to everybody" : "";
};

// opened is the same of a thing, or of how many of a folded group.
const opened = (t) => {
  if (t.id[0] !== "g") return open(t);
  const n = t.ends.filter((e) => ends[e].open).length;
  return n ? `${n.toLocaleString("en")} of ${t.ends.length.toLocaleString("en")} take connections from everybody, or open them to everybody` : "";
};
// nameAndKind are the words of a thing, so that what tells it from others comes first.
const nameAndKind = (t) => {
  const first = ends[t.ends[0]], name = thingName(t), space = name.indexOf(" ");
  return t.id[0] !== "g" && (first.k === PODS || first.k === HOST) && space > 0 ? [name.slice(space + 1), name.slice(0, space)] : [name, ""];
};

// isHot says that a connection is what is chosen, or of it, or on the port that is searched.
const isHot = (e, state) => {
  const a = e.from.thing, b = e.to.thing;
  if (state.edge) return state.edge[0] === a && state.edge[1] === b;
  if (state.chosen) return isOf(a, state.chosen) || isOf(b, state.chosen);
  return Boolean(state.port && state.port(e.ports));
};

const drawEdge = (e, labelled, state, act, taken) => {
  const a = e.from.thing, b = e.to.thing, { hot } = e, dim = !hot && (state.chosen || state.edge || state.found);
  const words = `${thingWords(a)} → ${thingWords(b)}: ${e.way && e.ports === NONE ? "let in by nobody known" : portWords(e.ports)}${e.way ? ", as published" : a.ends.length * b.ends.length > 1 && (a.id[0] === "g" || b.id[0] === "g") ? ", on at least one of them" : ""}`;
  const g = shape("g", { class: `edge ${e.way} ${hot ? "hot" : ""} ${dim ? "dim" : ""} ${e.way && e.ports === NONE ? "shut" : ""}`, "data-edge": a.id + " " + b.id },
    shape("title", {}, words), shape("path", { class: "hit", d: e.line }), shape("path", { class: "line", d: e.line, "marker-end": `url(#tip${hot ? "-hot" : ""})` }));
  if (labelled) {
    const ports = cut(portWords(e.ports), 22), place = label(e, ports, taken);
    if (place) g.append(shape("text", { x: place[0], y: place[1] + 4, "text-anchor": "middle" }, ports));
  }
  g.addEventListener("click", () => act.chooseEdge(a, b));
  return g;
};
