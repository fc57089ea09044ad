// What a person does.
const frame = $("frame"), svg = $("map"), panel = $("panel"), form = $("filter"), text = $("text"), results = $("results"), shown = $("shown"), alone = $("alone");
const MOST_RESULTS = 50, MOST_ROWS = 300;
const READABLE = 0.92; // of the smallest text, 12 px; below it is scrolled, and not scaled
const state = { chosen: null, edge: null, found: null, port: null, unfolded: new Set(), scale: 1, fit: true };
let now, origin;

// A few namespaces of a few things are small enough to be seen as they are.
const inner = groups.map((_, g) => g).filter((g) => !outside(g));
if (data.classes && inner.length <= 8 && inner.reduce((n, g) => n + parts(g).length, 0) <= 40) inner.forEach((g) => state.unfolded.add(g));

const lower = (s) => s.toLowerCase();
let texts;
const textOf = (e) => {
  texts ||= ends.map((end, i) => lower(`${full(i)} ${(end.l || []).map((l) => data.labels[l]).join(" ")}`));
  return texts[e];
};

// search finds ends all of whose words are in their names and labels, groups by their names, and connections by a port.
const search = () => {
  const words = lower(text.value).split(/\s+/).filter(Boolean);
  state.found = state.port = state.note = state.takers = null;
  results.replaceChildren();
  if (!words.length) return;
  const port = /^(?:(tcp|udp|sctp)[/ ])?(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(words.join(" "));
  if (port) {
    const protocol = ["tcp", "udp", "sctp"].indexOf(port[1] || port[3] || "");
    state.port = (of) => hasPort(of, Number(port[2]), protocol);
  }
  const hits = new Set(), inGroups = new Set();
  if (state.port) {
    const [takers, why] = takersOf(state.port);
    state.note = why;
    for (const e of takers) {
      hits.add(e);
      inGroups.add(ends[e].g);
    }
    if (takers.length) state.takers = new Set(takers);
  }
  ends.forEach((end, e) => {
    if (words.every((w) => textOf(e).includes(w))) {
      hits.add(e);
      inGroups.add(end.g);
    }
  });
  const named = groups.map((_, g) => g).filter((g) => words.every((w) => lower(groups[g].n).includes(w)));
  named.forEach((g) => inGroups.add(g));
  if (!state.port && !hits.size) state.note = noLabel(words);
  if (!state.port || hits.size || named.length) state.found = (t) => t.id[0] === "g" ? inGroups.has(t.group) : t.ends.some((e) => hits.has(e));
  state.inGroups = inGroups;
  const groupItems = named.map((g) => [thingWords(wholes[g]), () => act.choose(wholes[g])]), endItems = Array.from(hits, (e) => [full(e), () => act.choose(partOf(e))]);
  const items = state.port ? [...endItems, ...groupItems] : [...groupItems, ...endItems];
  results.replaceChildren(...items.slice(0, MOST_RESULTS).map(([name, go]) => make("li", {}, link(name, go))));
  if (items.length > MOST_RESULTS) results.append(make("li", { class: "more" }, `and ${(items.length - MOST_RESULTS).toLocaleString("en")} more: name it more closely`));
  state.hits = items;
};

// takersOf are the ends that take connections on a port: those whose containers say that they listen on it; where none does,
// those that a rule lets in on it.
const takersOf = (port) => {
  const is = (e) => ends[e].k === PODS || ends[e].k === HOST;
  const all = ends.map((_, e) => e).filter(is), listening = all.filter((e) => ends[e].p !== undefined && port(ends[e].p));
  if (listening.length) return [listening, "listening on it"];
  if (!data.classes) return [[], ""];
  const faces = new Map();
  const lets = (face) => {
    if (!faces.has(face)) {
      faces.set(face, data.faces[face][1].some((why, i) => i % 2 && data.whys[why].some((on, j, of) => {
        if (j % 2 || on === ALL) return false;
        const [allowed, rules] = data.reasons[of[j + 1]];
        return allowed && rules.length && port(on);
      })));
    }
    return faces.get(face);
  };
  const allowed = all.filter((e) => ends[e].k === PODS && (ends[e].c || []).some((c) => lets(data.classes[c][3])));
  return [allowed, allowed.length ? "let in on it by a rule; nobody says that it listens on it" : "nobody says that it listens on it, and no rule names it"];
};

// noLabel says of a label that nobody has which ones have its value.
const noLabel = (words) => {
  const word = words.find((w) => w.includes("=") && !data.labels.some((l) => lower(l).includes(w)));
  if (!word) return null;
  const value = word.slice(word.indexOf("="));
  const others = data.labels.filter((l) => value.length > 1 && lower(l).endsWith(value)).slice(0, 3);
  return `no label ${word}${others.length ? `; there is ${others.join(", ")}` : ""}`;
};

// shownGroups are those in view: all; those that the search found, where there are many; what is chosen and who is
// connected with it, where it is wanted alone.
const shownGroups = () => {
  const all = groups.map((_, g) => g).filter((g) => members[g].length && (outOf[g].size || into[g].size || !outside(g)) && (data.only < 0 || g === data.only || outOf[g].has(data.only) || into[g].has(data.only)));
  const center = state.chosen ? [state.chosen.group] : state.edge ? [state.edge[0].group, state.edge[1].group] : null;
  if (center && alone.checked) {
    if (state.edge) return all.filter((g) => center.includes(g));
    return all.filter((g) => g === center[0] || connected(g, center[0]));
  }
  if (state.found && state.inGroups.size && all.length > MANY_GROUPS) return all.filter((g) => state.inGroups.has(g) || center && center.includes(g));
  return all;
};
// connected says that a group has a connection with what is chosen.
const connected = (g, center) => {
  if (!outOf[g].has(center) && !into[g].has(center)) return false;
  const t = state.chosen;
  if (!t || t.id[0] === "g" || !data.classes || ends[t.ends[0]].k === PUBLISHER || groups[g].k === "published") return !t || t.id[0] === "g" || waysOf(t, g);
  return outOf[center].has(g) && between(t, wholes[g]) !== NONE || into[center].has(g) && between(wholes[g], t) !== NONE;
};
const waysOf = (t, g) => t.ends.some((e) => (waysBy.get(e) || []).some((p) => ends[p[1]].g === g) || (waysTo.get(e) || []).some((p) => ends[p[0]].g === g));

// wanted says of a connection that it is to be drawn: all, those on a port that is searched, or those of what is chosen alone.
const wanted = (a, b, on) => {
  if (state.port && !state.chosen && !state.edge && (!state.port(on) || state.takers && !b.ends.some((e) => state.takers.has(e)))) return false;
  if (!alone.checked || !state.edge && !state.chosen) return true;
  if (state.edge) return state.edge[0] === a && state.edge[1] === b;
  return isOf(a, state.chosen) || isOf(b, state.chosen);
};

const show = () => {
  const list = shownGroups(), center = state.chosen || state.edge && state.edge[0];
  now = layout(list, state.unfolded, center, { wanted, focus: alone.checked && state.chosen && !outside(state.chosen.group) ? state.chosen : null });
  state.near = null;
  if (state.chosen || state.edge) {
    state.near = new Set(state.edge || [state.chosen]);
    if (state.chosen) {
      for (const e of now.edges) {
        if (isOf(e.from.thing, state.chosen) || isOf(e.to.thing, state.chosen)) state.near.add(e.from.thing).add(e.to.thing);
      }
    }
  }
  draw(svg, now, state, act);
  zoom();
  tellShown(list);
  tellEdges();
  rove();
};

const tellShown = (list) => {
  const edges = now.edges.length;
  let words = `${many(list.filter((g) => !outside(g)).length, "namespace")}, ${many(edges, "connection")} in view`;
  if (now.more > 0) words += state.chosen || state.edge ? `; ${now.more.toLocaleString("en")} more are not drawn` : `: ${now.more.toLocaleString("en")} are too many to be drawn at once. Choose a namespace, or search`;
  if (state.hits && text.value.trim()) words += `; the search finds ${many(state.hits.length, "end")}${state.note ? `, ${state.note}` : ""}`;
  shown.textContent = words + ".";
};

// tellEdges lists the connections in view, for who does not see the picture.
const tellEdges = () => {
  const rows = now.edges.filter((e) => !state.port || state.port(e.ports)).slice(0, MOST_ROWS).map((e) => {
    const a = e.from.thing, b = e.to.thing;
    return make("tr", {}, make("td", {}, make("bdi", {}, thingWords(a))), make("td", {}, shortly(e.ports)), make("td", {}, make("bdi", {}, thingWords(b))),
      make("td", {}, make("button", { type: "button", class: "link", "aria-label": `why ${thingWords(a)} reaches ${thingWords(b)}`, do: () => act.chooseEdge(a, b) }, "why")));
  });
  $("edges").replaceChildren(...rows);
  $("edgecount").textContent = `Connections in view (${now.edges.length > MOST_ROWS ? `the first ${MOST_ROWS} of ` : ""}${now.edges.length})`;
};

const tell = (...all) => {
  panel.replaceChildren(make("button", { type: "button", class: "close", "aria-label": "close", do: () => act.clear() }, "×"), ...all);
  panel.hidden = false;
  panel.scrollTop = 0;
};

const tellChosen = () => {
  if (state.edge) return tell(...tellEdge(...state.edge, act));
  const t = state.chosen;
  if (!t) {
    panel.hidden = true;
    return undefined;
  }
  const whole = t.id[0] === "g", fold = state.unfolded.has(t.group);
  const [head, ...others] = whole ? tellGroup(t.group, act) : tellThing(t, act);
  return tell(head, data.classes ? make("p", { class: "deeds" }, make("button", { type: "button", do: () => act.fold(t.group) }, `${fold ? "Fold" : "Unfold"} ${groups[t.group].n}`)) : "", ...others);
};

const act = {
  choose(t, from) {
    remember(from);
    Object.assign(state, { chosen: t, edge: null });
    if (t.id[0] !== "g" && data.classes) state.unfolded.add(t.group);
    settle();
  },
  chooseEdge(a, b) {
    remember();
    Object.assign(state, { chosen: null, edge: [a, b] });
    for (const t of [a, b]) if (t.id[0] !== "g" && data.classes) state.unfolded.add(t.group);
    settle();
  },
  fold(g) {
    if (!data.classes) return; // what is within groups was left out
    if (!state.unfolded.delete(g)) state.unfolded.add(g);
    else if (state.chosen && state.chosen.group === g) state.chosen = wholes[g];
    if (state.edge) state.edge = state.edge.map((t) => t.group === g && !state.unfolded.has(g) ? wholes[g] : t);
    settle(false);
  },
  clear() {
    Object.assign(state, { chosen: null, edge: null });
    settle(false);
    const back = origin && svg.querySelector(`[data-id="${CSS.escape(origin)}"]`);
    (back || (document.activeElement === document.body ? text : document.activeElement)).focus();
  },
};
const remember = () => {
  const at = document.activeElement;
  origin = at && at.dataset && at.dataset.id || origin;
};
const settle = (move = true) => {
  show();
  tellChosen();
  zoom(); // what is told takes room
  if (!move) return;
  const head = panel.querySelector("h2");
  if (head) head.focus({ preventScroll: true });
  if (matchMedia("(max-width: 60rem)").matches) frame.scrollIntoView({ block: "start" }); // the panel lies over what is below
  const at = state.chosen && svg.querySelector(".chosen");
  if (at) center(at);
};
const center = (at) => {
  const a = at.getBoundingClientRect(), b = frame.getBoundingClientRect();
  frame.scrollBy(a.left - b.left - (b.width - a.width) / 2, a.top - b.top - (b.height - a.height) / 2);
};

const zoom = () => {
  const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
  const whole = Math.min(1, (frame.clientWidth - 4) / w);
  if (state.fit) state.scale = state.fit === "whole" ? whole : Math.max(READABLE, whole);
  svg.setAttribute("width", Math.round(w * state.scale));
  svg.setAttribute("height", Math.round(h * state.scale));
};

// In the picture arrows go to what is nearest; it is one stop of the tab key.
const rove = () => {
  const all = svg.querySelectorAll(".node"), at = origin && svg.querySelector(`[data-id="${CSS.escape(origin)}"]`) || svg.querySelector(".chosen") || all[0];
  if (at) at.setAttribute("tabindex", "0");
};
const focusNode = (node) => {
  svg.querySelectorAll('.node[tabindex="0"]').forEach((n) => n.setAttribute("tabindex", "-1"));
  node.setAttribute("tabindex", "0");
  node.focus({ preventScroll: true });
  const a = node.getBoundingClientRect(), b = frame.getBoundingClientRect();
  if (a.left < b.left || a.right > b.right || a.top < b.top || a.bottom > b.bottom) center(node);
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
svg.addEventListener("keydown", (e) => {
  const node = e.target.closest(".node");
  if (!node) return;
  const places = now.boxes.flatMap((b) => b.things), at = places.find((p) => p.node === node);
  if (ARROWS[e.key]) {
    const [dx, dy] = ARROWS[e.key];
    let best, least = Infinity;
    for (const p of places) {
      const x = p.x + p.w / 2 - at.x - at.w / 2, y = p.y + p.h / 2 - at.y - at.h / 2, along = x * dx + y * dy, across = Math.abs(x * dy) + Math.abs(y * dx);
      if (p !== at && along > 1 && along + 2 * across < least) {
        least = along + 2 * across;
        best = p;
      }
    }
    if (best) focusNode(best.node);
    e.preventDefault();
  } else if (e.key === "Enter" || e.key === " ") {
    act.choose(at.thing);
    e.preventDefault();
  } else if (e.key === "+" || e.key === "-") {
    if (state.unfolded.has(at.thing.group) === (e.key === "-")) {
      const g = at.thing.group, side = at.box.side;
      act.fold(g);
      const next = svg.querySelector(`[data-id="${side}${state.unfolded.has(g) ? parts(g)[0].id : wholes[g].id}"]`);
      if (next) focusNode(next);
    }
    e.preventDefault();
  }
});

form.addEventListener("input", () => {
  search();
  show();
});
form.addEventListener("submit", (e) => {
  e.preventDefault();
  if (state.hits && state.hits.length && text.value.trim()) state.hits[0][1]();
});
$("larger").addEventListener("click", () => { state.fit = false; state.scale = Math.min(2, state.scale * 1.25); zoom(); });
$("smaller").addEventListener("click", () => { state.fit = false; state.scale = Math.max(0.2, state.scale / 1.25); zoom(); });
$("fit").addEventListener("click", () => { state.fit = "whole"; zoom(); });
$("foldall").addEventListener("click", () => { state.unfolded.clear(); if (state.chosen) state.chosen = wholes[state.chosen.group]; state.edge = null; settle(false); });
addEventListener("resize", zoom);
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && e.target !== text) {
    e.preventDefault();
    text.focus();
  } else if (e.key === "Escape") {
    if (e.target === text && text.value) {
      text.value = "";
      search();
      show();
    } else act.clear();
  }
});

$("picture").hidden = false;
alone.checked = inner.length > MANY_GROUPS;
$("whole").open = false;
search();
show();
