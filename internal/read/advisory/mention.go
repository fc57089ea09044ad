package advisory

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Named is a package and all rows on it.
type Named struct {
	Ecosystem, Package string
	Rows               []Row
}

// Mentions finds the packages on which an advisory with one of these ids has a row, in the order of
// ecosystems and names. Databases are made to be asked for packages; this one reads every shard, which
// takes a second for some 100 MB of them.
func (db *DB) Mentions(ids []string) ([]Named, error) {
	var all []Named
	for _, info := range db.manifest.Shards {
		if info.Name == FactsShard {
			continue
		}
		err := db.walk(info.Name, ids, func(name, value string) error {
			rows, err := decodeRows(value)
			if err == nil && slices.ContainsFunc(rows, func(r Row) bool { return slices.Contains(ids, r.ID) }) {
				all = append(all, Named{info.Name, name, rows})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Covering finds the advisories that mend one of these ids beside others.
func (db *DB) Covering(ids []string) ([]Vulnerability, error) {
	var all []Vulnerability
	err := db.walk(FactsShard, ids, func(_, value string) error {
		v, err := decodeVulnerability(value)
		if err == nil && slices.ContainsFunc(v.Covers, func(id string) bool { return slices.Contains(ids, id) }) {
			all = append(all, v)
		}
		return err
	})
	return all, err
}

// walk visits the entries of a shard of which one of these words may be a part.
func (db *DB) walk(name string, words []string, visit func(name, value string) error) error {
	s, err := db.shard(name)
	if err != nil || s == nil {
		return err
	}
	holds := func(text string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	for i := range s.blocks {
		block, err := s.expand(uint32(i))
		if err == nil && holds(block) {
			err = walkBlock(block, func(name, value string) error {
				if !holds(value) {
					return nil
				}
				return visit(name, value)
			})
		}
		if err != nil {
			return fmt.Errorf("look into shard %s: %w", name, err)
		}
	}
	return nil
}

// walkBlock visits the values of a block; names that only lead to another are passed over.
func walkBlock(block string, visit func(name, value string) error) error {
	d := &decoder{s: block}
	for d.s != "" {
		name, n := d.text(), d.count()
		if n == 0 {
			d.text()
		}
		if d.err != nil {
			return fmt.Errorf("%w: %w", errShard, d.err)
		}
		value := d.s[:n]
		if d.s = d.s[n:]; n == 0 {
			continue
		}
		if err := visit(name, value); err != nil {
			return fmt.Errorf("%w: %w", errShard, err)
		}
	}
	return nil
}

// expand reads, verifies and expands one block, and keeps nothing.
func (s *shard) expand(i uint32) (string, error) {
	packed, err := s.packed(i)
	if err != nil {
		return "", err
	}
	plain := binary.LittleEndian.Uint32(s.table[int(i)*tableEntry+12:])
	expanded, err := s.dec.DecodeAll(packed, make([]byte, 0, plain))
	if err != nil || len(expanded) != int(plain) {
		return "", fmt.Errorf("%w (block %d cannot be expanded)", errShard, i)
	}
	return string(expanded), nil
}
