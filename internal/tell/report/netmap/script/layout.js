// Where things stand. A group is a box: folded it is one thing, unfolded it holds its things. What is outside stands on
// the left where it reaches the cluster, and on the right where it is reached.
const WIDTH = 208, ROW = 46, SMALL = 30, HEAD = 34, GAP = 18, ALLEY = 104, EDGE = 14;
const MOST_PARTS = 60, MOST_EDGES = 600, MANY_GROUPS = 40, TALLEST = 1100;

// layout gives the boxes, the things in them and the edges between those that are wanted. A group in the focus stands in the
// middle, between those that reach it and those that it reaches.
const layout = (shown, unfolded, chosen, { wanted, focus }) => {
  let boxes = [];
  const places = new Map(); // by "side id"
  for (const g of shown) {
    const sides = !outside(g) ? [""] : [outOf[g].size ? "l" : "", into[g].size ? "r" : ""].filter(Boolean);
    for (const side of sides) boxes.push(boxOf(g, side, unfolded.has(g), places, chosen));
  }
  const { edges, more } = edgesOf(shown, unfolded, places, chosen, wanted);
  if (focus) {
    const met = new Set(edges.flatMap((e) => [e.from.box, e.to.box]));
    boxes = boxes.filter((b) => met.has(b) || b.group === focus.group);
  }
  const { columns, ...size } = stand(boxes, edges, focus);
  route(edges, columns);
  return { boxes, edges, more, size, focus };
};

const boxOf = (g, side, open, places, chosen) => {
  const box = { group: g, side, open, things: [], w: WIDTH, h: ROW };
  let list = [wholes[g]];
  if (open) {
    const all = parts(g);
    list = all.slice(0, MOST_PARTS);
    const wanted = all.find((t) => t === chosen);
    if (wanted && !list.includes(wanted)) list[MOST_PARTS - 1] = wanted;
    box.more = all.length - list.length;
    box.w = WIDTH + 16;
    box.h = HEAD + list.length * (SMALL + 6) + (box.more ? 22 : 0) + 4;
  }
  for (const t of list) {
    const place = { thing: t, box, w: WIDTH, h: open ? SMALL : ROW };
    box.things.push(place);
    places.set(side + t.id, place);
  }
  return box;
};

// edgesOf are the edges of what is shown. Of too many there are only those of what is chosen.
const edgesOf = (shown, unfolded, places, chosen, wanted) => {
  const is = new Set(shown), all = [];
  const listOf = (g, side) => {
    const open = unfolded.has(g) ? parts(g) : [wholes[g]];
    return open.map((t) => places.get((outside(g) ? side : "") + t.id)).filter(Boolean);
  };
  const push = (from, to, on, way) => {
    if (!way) {
      if (on !== NONE) all.push({ from, to, ports: on, way });
      return;
    }
    const [some, shut] = waysBetween(from.thing, to.thing);
    if (some >= 0) all.push({ from, to, ports: some, way });
    if (shut) all.push({ from, to, ports: NONE, way });
  };
  let count = 0;
  const touches = (g) => chosen && chosen.group === g;
  for (const g of shown) for (const [h, { ports: on }] of outOf[g]) if (is.has(h) && about(g, h) && wanted(wholes[g], wholes[h], on)) count++;
  const few = count <= MOST_EDGES;
  for (const g of shown) {
    for (const [h, { ports: on, way }] of outOf[g]) {
      if (!is.has(h) || !about(g, h) || !few && !touches(g) && !touches(h)) continue;
      if (!unfolded.has(g) && !unfolded.has(h)) {
        const from = places.get((outside(g) ? "l" : "") + wholes[g].id), to = places.get((outside(h) ? "r" : "") + wholes[h].id);
        if (wanted(from.thing, to.thing, on)) push(from, to, on, way);
        continue;
      }
      for (const from of listOf(g, "l")) {
        for (const to of listOf(h, "r")) {
          if (!wanted(from.thing, to.thing, on)) continue;
          push(from, to, way ? NONE : between(from.thing, to.thing), way);
        }
      }
    }
  }
  if (all.length <= MOST_EDGES && few) return { edges: all, more: 0 };
  const mine = all.filter((e) => isOf(e.from.thing, chosen) || isOf(e.to.thing, chosen));
  return { edges: mine.slice(0, 2 * MOST_EDGES), more: Math.max(count, all.length) - Math.min(mine.length, 2 * MOST_EDGES) };
};

// stand puts the boxes into columns.
const stand = (boxes, edges, focus) => {
  const left = boxes.filter((b) => b.side === "l"), right = boxes.filter((b) => b.side === "r"), inner = boxes.filter((b) => !b.side);
  const many = inner.length > MANY_GROUPS, columns = many ? grid(inner) : parted(focus ? around(boxes, edges, focus.group) : layers(inner));
  if (left.length && (many || !focus)) columns.unshift(left);
  if (right.length && (many || !focus)) columns.push(right);
  const heights = columns.map((c) => c.reduce((sum, b) => sum + b.h + GAP, -GAP));
  const tallest = Math.max(0, ...heights), alley = many ? 40 : ALLEY;
  let x = EDGE;
  columns.forEach((column, i) => {
    let y = EDGE + (many ? 0 : (tallest - heights[i]) / 2);
    const wide = Math.max(...column.map((b) => b.w));
    for (const b of column) {
      b.x = x + (wide - b.w) / 2;
      b.y = y;
      b.column = i;
      y += b.h + GAP;
      b.things.forEach((p, k) => {
        p.x = b.x + (b.open ? 8 : 0);
        p.y = b.y + (b.open ? HEAD + k * (SMALL + 6) : 0);
      });
    }
    x += wide + alley;
  });
  return { columns, w: Math.max(x - alley, 0) + EDGE + 84, h: tallest + 2 * EDGE };
};

// grid keeps many boxes in the order of their names.
const grid = (boxes) => {
  const per = Math.max(12, Math.ceil(boxes.reduce((sum, b) => sum + b.h + GAP, 0) / Math.ceil(Math.sqrt(boxes.length / 3)) / (ROW + GAP)));
  const columns = [[]];
  let height = 0;
  for (const b of boxes) {
    if (height > per * (ROW + GAP) - 1) {
      columns.push([]);
      height = 0;
    }
    columns[columns.length - 1].push(b);
    height += b.h + GAP;
  }
  return columns;
};

// layers puts those whom nobody reaches to the left, those who reach nobody to the right, and all others between them. What
// goes both ways puts nobody anywhere.
const layers = (boxes) => {
  const columns = [[], [], []], is = new Set(boxes.map((b) => b.group));
  const some = (g, map, other) => Array.from(map[g].keys()).some((h) => is.has(h) && !other[g].has(h));
  for (const b of boxes) {
    const reached = some(b.group, into, outOf), reaching = some(b.group, outOf, into);
    columns[reached === reaching ? 1 : reaching ? 0 : 2].push(b);
  }
  const all = columns.filter((c) => c.length);
  all.forEach((column, i) => { if (i) column.sort((a, b) => middle(a, all) - middle(b, all)); });
  return all;
};

// around puts a group into the middle.
const around = (boxes, edges, group) => {
  const columns = [[], [], []], from = new Set(edges.filter((e) => e.to.box.group === group).map((e) => e.from.box.group));
  for (const b of boxes) columns[b.group === group ? 1 : from.has(b.group) ? 0 : 2].push(b);
  return columns.filter((c) => c.length);
};

// parted makes several columns of one that is too tall.
const parted = (columns) => columns.flatMap((column) => {
  const all = [[]];
  let height = 0;
  for (const b of column) {
    if (height && height + b.h > TALLEST) {
      all.push([]);
      height = 0;
    }
    all[all.length - 1].push(b);
    height += b.h + GAP;
  }
  return all;
});

// middle is how far down, on average, stand those who reach a box.
const middle = (box, columns) => {
  let sum = 0, n = 0;
  for (const column of columns) {
    column.forEach((b, i) => {
      if (b !== box && into[box.group].has(b.group)) {
        sum += (i + 0.5) / column.length;
        n++;
      }
    });
  }
  return n ? sum / n : 0.5;
};

// route bends edges from one side of a thing to a side of another, between the boxes of the columns that they pass, and
// spreads those that meet at a side.
const route = (edges, columns) => {
  const at = new Map();
  const meetAt = (place, side, e, other, key) => {
    const name = side + place.box.side + place.thing.id;
    if (!at.has(name)) at.set(name, []);
    at.get(name).push({ e, other, key, place });
  };
  for (const e of edges) {
    const a = e.from, b = e.to;
    e.turn = a.box.column === b.box.column || a.box === b.box;
    e.back = !e.turn && b.box.x < a.box.x;
    meetAt(a, e.back ? "l" : "r", e, b, "y1");
    meetAt(b, e.back || e.turn ? "r" : "l", e, a, "y2");
  }
  for (const list of at.values()) {
    list.sort((x, y) => x.other.y - y.other.y || x.other.x - y.other.x || (x.key < y.key ? -1 : 1));
    const { place } = list[0], room = place.h - 10;
    list.forEach((one, i) => { one.e[one.key] = place.y + 5 + room * (i + 1) / (list.length + 1); });
  }
  for (const e of edges) {
    const { from: a, to: b, y1, y2 } = e;
    const x1 = e.back ? a.x : a.x + a.w, x2 = e.back || e.turn ? b.x + b.w : b.x;
    if (e.turn) {
      const out = Math.max(x1, x2) + 26 + Math.min(60, Math.abs(y2 - y1) / 6);
      e.line = `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2} ${y2}`;
      e.curve = [x1, y1, out, y1, out, y2, x2, y2];
      continue;
    }
    let x = x1, y = y1;
    e.line = `M${x} ${y}`;
    const to = (x3, y3) => {
      const bend = Math.max(30, Math.abs(x3 - x) / 2) * (e.back ? -1 : 1);
      e.curve ||= [x, y, x + bend, y, x3 - bend, y3, x3, y3];
      e.line += `C${x + bend} ${y} ${x3 - bend} ${y3} ${x3} ${y3}`;
    };
    const step = e.back ? -1 : 1;
    e.curve = null;
    for (let c = a.box.column + step; c !== b.box.column && columns.length <= 8; c += step) {
      const column = columns[c], left = Math.min(...column.map((o) => o.x)) - 8, right = Math.max(...column.map((o) => o.x + o.w)) + 8;
      const wanted = y1 + (y2 - y1) * ((left + right) / 2 - x1) / (x2 - x1), gap = gapNear(column, wanted);
      to(e.back ? right : left, gap);
      x = e.back ? left : right;
      y = gap;
      e.line += `L${x} ${y}`;
    }
    to(x2, y2);
  }
};

// gapNear is the place between a column's boxes, or above or below them, that is nearest to a height. Edges in one gap stand
// beside each other.
const gapNear = (column, wanted) => {
  const gaps = column.map((b) => b.y - GAP / 2);
  const last = column[column.length - 1];
  gaps.push(last.y + last.h + GAP / 2);
  const best = gaps.reduce((a, b) => Math.abs(a - wanted) <= Math.abs(b - wanted) ? a : b);
  column.used = column.used || new Map();
  const n = column.used.get(best) || 0;
  column.used.set(best, n + 1);
  return best + (n % 5 - 2) * 2.5;
};

// pointAt is the point of a curve, from 0, its beginning, to 1 (Bézier).
const pointAt = ([x1, y1, x2, y2, x3, y3, x4, y4], t) => {
  const a = (1 - t) ** 3, b = 3 * t * (1 - t) ** 2, c = 3 * t * t * (1 - t), d = t ** 3;
  return [a * x1 + b * x2 + c * x3 + d * x4, a * y1 + b * y2 + c * y3 + d * y4];
};
// label finds a place on an edge where its words cover nobody else's, if there is one.
const label = (e, words, taken) => {
  const w = words.length * 6.3 / 2 + 3, h = 7;
  for (const t of [0.5, 0.38, 0.62, 0.26, 0.74]) {
    const [x, y] = pointAt(e.curve, t);
    if (taken.every(([ox, oy, ow, oh = h]) => Math.abs(x - ox) > w + ow || Math.abs(y - oy) > h + oh)) {
      taken.push([x, y, w]);
      return [x, y];
    }
  }
  return null;
};
