package network

import "math/bits"

// set is a set of classes, a bit for each.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

// fullSet has n classes in it.
func fullSet(n int) set {
	s := newSet(n)
	for i := range s {
		s[i] = ^uint64(0)
	}
	if n%64 != 0 {
		s[len(s)-1] = 1<<(n%64) - 1
	}
	return s
}

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s set) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// sum is the same for the same sets, and most likely another one for others (FNV-1a, of words).
func (s set) sum() uint64 {
	sum := uint64(14695981039346656037)
	for _, w := range s {
		sum = (sum ^ w) * 1099511628211
		sum ^= sum >> 32
	}
	return sum
}

// join adds the classes of another set, keep leaves those alone that are in it, and drop takes these away.
func join(s, other set) {
	for i := range s {
		s[i] |= other[i]
	}
}

func keep(s, other set) {
	for i := range s {
		s[i] &= other[i]
	}
}

func drop(s, other set) {
	for i := range s {
		s[i] &^= other[i]
	}
}

// meet says that two sets have a class in common.
func meet(s, other set) bool {
	for i := range s {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// each calls yield with the classes of the set in their order.
func (s set) each(yield func(int) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !yield(i*64 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}

// transpose turns rows into columns: of what j has in its row, i, the result has j in the row of i. Rows may be the same
// ones, and are not changed.
func transpose(rows []set) []set {
	n := len(rows)
	words := (n + 63) / 64
	all := make([]uint64, n*words)
	turned := make([]set, n)
	for i := range turned {
		turned[i] = all[i*words : (i+1)*words]
	}
	var block [64]uint64
	for top := 0; top < n; top += 64 {
		for w := range words {
			block = [64]uint64{}
			any := uint64(0)
			for j := top; j < min(top+64, n); j++ {
				block[j-top] = rows[j][w]
				any |= rows[j][w]
			}
			if any == 0 {
				continue
			}
			turn(&block)
			for i := w * 64; i < min(w*64+64, n); i++ {
				turned[i][top/64] = block[i-w*64]
			}
		}
	}
	return turned
}

// flip makes of the transposition of rows that of others, bit by bit, if they differ in little: between two ports hardly
// anything changes. It says whether it did.
func flip(turned, rows, others []set) bool {
	differ := 0
	each := func(do func(j, w int, x uint64)) {
		for j := range rows {
			if &rows[j][0] == &others[j][0] {
				continue
			}
			for w := range rows[j] {
				if x := rows[j][w] ^ others[j][w]; x != 0 {
					do(j, w, x)
				}
			}
		}
	}
	if each(func(_, _ int, x uint64) { differ += bits.OnesCount64(x) }); differ > len(rows)*len(rows)/64 {
		return false
	}
	each(func(j, w int, x uint64) {
		for ; x != 0; x &= x - 1 {
			turned[w*64+bits.TrailingZeros64(x)][j/64] ^= 1 << (j % 64)
		}
	})
	return true
}

// turn transposes a square of 64 by 64 bits, in halves of halves (Warren, Hacker's Delight, 7-3).
func turn(a *[64]uint64) {
	for width, mask := 32, uint64(0xffffffff); width > 0; width, mask = width/2, mask^mask<<uint(width/2) {
		for k := 0; k < 64; k = (k + width + 1) &^ width {
			swap := (a[k]>>width ^ a[k+width]) & mask
			a[k] ^= swap << width
			a[k+width] ^= swap
		}
	}
}
