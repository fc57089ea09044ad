package secret

// automaton finds many words in one pass (Aho and Corasick, 1975), whatever their case: a table of
// states by classes of bytes, of which a step is two loads.
type automaton struct {
	class [256]uint8
	next  []uint16 // state<<shift | class → state
	out   [][]int  // by state minus first: the words that end there
	first uint16   // states from here on end a word
	shift uint8
	words []string
}

// node is a state while the automaton is made.
type node struct {
	next map[uint8]int
	fail int
	out  []int
}

// compile makes an automaton of words in lower case.
func compile(words []string) *automaton {
	a := &automaton{words: words}
	classes := 1
	for _, w := range words {
		for i := range len(w) {
			if c := w[i]; a.class[c] == 0 {
				a.class[c] = uint8(classes)
				if 'a' <= c && c <= 'z' {
					a.class[c-'a'+'A'] = uint8(classes)
				}
				classes++
			}
		}
	}
	for 1<<a.shift < classes {
		a.shift++
	}
	nodes := a.trie()
	order := failures(nodes, classes)
	a.table(nodes, order, classes)
	return a
}

func (a *automaton) trie() []node {
	nodes := []node{{next: map[uint8]int{}}}
	for id, w := range a.words {
		at := 0
		for i := range len(w) {
			c := a.class[w[i]]
			to, ok := nodes[at].next[c]
			if !ok {
				to = len(nodes)
				nodes = append(nodes, node{next: map[uint8]int{}})
				nodes[at].next[c] = to
			}
			at = to
		}
		nodes[at].out = append(nodes[at].out, id)
	}
	return nodes
}

// failures links each node to the longest end of it that begins a word, and gives the nodes by depth.
func failures(nodes []node, classes int) (order []int) {
	order = append(order, 0)
	for i := 0; i < len(order); i++ {
		at := order[i]
		for c := range classes {
			to, ok := nodes[at].next[uint8(c)]
			if !ok {
				continue
			}
			order = append(order, to)
			for f := at; f != 0; {
				f = nodes[f].fail
				if n, ok := nodes[f].next[uint8(c)]; ok {
					nodes[to].fail = n
					break
				}
			}
			nodes[to].out = append(nodes[to].out, nodes[nodes[to].fail].out...)
		}
	}
	return order
}

// table numbers the states anew: those that end a word come last.
func (a *automaton) table(nodes []node, order []int, classes int) {
	number := make([]uint16, len(nodes))
	n := uint16(0)
	for _, ends := range []bool{false, true} {
		if ends {
			a.first = n
		}
		for _, at := range order {
			if (len(nodes[at].out) > 0) == ends {
				number[at] = n
				n++
				if ends {
					a.out = append(a.out, nodes[at].out)
				}
			}
		}
	}
	a.next = make([]uint16, len(nodes)<<a.shift)
	for _, at := range order {
		row := int(number[at]) << a.shift
		if at != 0 {
			copy(a.next[row:row+classes], a.next[int(number[nodes[at].fail])<<a.shift:])
		}
		for c, to := range nodes[at].next {
			a.next[row+int(c)] = number[to]
		}
	}
}

// find calls hit with each word that ends in text, and where it begins.
func (a *automaton) find(text []byte, hit func(word, at int)) {
	state, shift, first, next := uint16(0), a.shift&15, a.first, a.next
	for i, b := range text {
		state = next[int(state)<<shift|int(a.class[b])]
		if state >= first {
			for _, w := range a.out[state-first] {
				hit(w, i+1-len(a.words[w]))
			}
		}
	}
}
