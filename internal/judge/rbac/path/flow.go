package path

// infinite is more than there are grants.
const infinite int32 = 1 << 30

// flow is a network; the largest flow through it is its smallest cut (Dinic's algorithm). Each vertex of a graph is two, with
// what may pass it between them.
type flow struct {
	source, sink int
	head         []int32 // the first arc of a vertex; -1: none
	to, next     []int32
	left         []int32
	level, at    []int32
	came         map[int]int // from where a vertex of its own is entered
}

func newFlow(vertices int) *flow {
	f := &flow{source: 2 * vertices, sink: 2*vertices + 1, head: make([]int32, 2*vertices+2), came: map[int]int{}}
	for i := range f.head {
		f.head[i] = -1
	}
	return f
}

func (f *flow) in(v int) int  { return 2 * v }
func (f *flow) out(v int) int { return 2*v + 1 }

// vertex is one more, that is not two.
func (f *flow) vertex() int {
	f.head = append(f.head, -1)
	return len(f.head) - 1
}

func (f *flow) before(v int) int { return f.came[v] }

func (f *flow) add(from, to int, capacity int32) {
	if to > f.sink {
		f.came[to] = from
	}
	f.arc(from, to, capacity)
	f.arc(to, from, 0)
}

func (f *flow) arc(from, to int, capacity int32) {
	f.to, f.left, f.next = append(f.to, int32(to)), append(f.left, capacity), append(f.next, f.head[from])
	f.head[from] = int32(len(f.to) - 1)
}

// max is the largest flow, or infinite where a way is not bounded.
func (f *flow) max() int32 {
	var total int32
	for f.levels() {
		f.at = append(f.at[:0], f.head...)
		for {
			more := f.push()
			if more == 0 {
				break
			}
			if total += more; total >= infinite {
				return infinite
			}
		}
	}
	return total
}

func (f *flow) levels() bool {
	f.level = make([]int32, len(f.head))
	f.level[f.source] = 1
	queue := []int{f.source}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for a := f.head[v]; a >= 0; a = f.next[a] {
			if f.left[a] > 0 && f.level[f.to[a]] == 0 {
				f.level[f.to[a]] = f.level[v] + 1
				queue = append(queue, int(f.to[a]))
			}
		}
	}
	return f.level[f.sink] > 0
}

// push sends flow along one way of the levels, without recursion: ways may be long.
func (f *flow) push() int32 {
	var way []int32
	v := f.source
	for v != f.sink {
		a := f.at[v]
		for a >= 0 && (f.left[a] == 0 || f.level[f.to[a]] != f.level[v]+1) {
			a = f.next[a]
		}
		if f.at[v] = a; a >= 0 {
			way = append(way, a)
			v = int(f.to[a])
			continue
		}
		if len(way) == 0 {
			return 0
		}
		f.level[v] = -1
		last := way[len(way)-1]
		way = way[:len(way)-1]
		v = int(f.to[last^1])
	}
	least := infinite
	for _, a := range way {
		least = min(least, f.left[a])
	}
	for _, a := range way {
		f.left[a] -= least
		f.left[a^1] += least
	}
	return least
}

// reached are the vertices on the source's side of the cut.
func (f *flow) reached() []bool {
	f.levels()
	seen := make([]bool, len(f.head))
	for v, level := range f.level {
		seen[v] = level > 0
	}
	return seen
}
