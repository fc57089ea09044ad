package advisory

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A shard is an immutable file that finds a value by its name without being loaded:
//
//	magic      8 bytes "PLMSHD01"
//	names      u32, how many names
//	blocks     u32, how many blocks
//	index      for each name, in the order of hashes: u64 hash, u32 block, u32 offset in the block
//	table      for each block: u64 offset in the file, u32 compressed and u32 plain size, 16 bytes of SHA-256
//	data       the blocks, each compressed by zstd for itself
//
// A name's value stands in its block as: name, value, both behind their length. Numbers are little
// endian. A shard is called by the SHA-256 of all before the data; that holds the hashes of the blocks,
// so each block is verified when it is read, and what is never read costs nothing.
const (
	shardMagic  = "PLMSHD01"
	headFixed   = 16
	indexEntry  = 16
	tableEntry  = 32
	blockTarget = 16 << 10
	maxBlock    = 64 << 20
	maxHead     = 1 << 30
	keptBytes   = 4 << 20 // of decoded blocks that one shard keeps; the last one is kept in any case
)

// hashName files a name; a reader compares the name itself as well.
func hashName(name string) uint64 {
	sum := sha256.Sum256([]byte(name))
	return binary.LittleEndian.Uint64(sum[:])
}

// ShardWriter writes one shard. Values are added in the order of names, so that neighbours share a block.
type ShardWriter struct {
	index  []slot
	table  []byte
	data   []byte
	block  []byte
	blocks uint32
	enc    *zstd.Encoder
}

type slot struct {
	hash          uint64
	block, offset uint32
}

// NewShardWriter starts an empty shard.
func NewShardWriter() (*ShardWriter, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	return &ShardWriter{enc: enc}, err
}

// Add enters a value under a name, and under further names that mean the same.
func (w *ShardWriter) Add(names []string, value []byte) {
	if len(w.block) > 0 && len(w.block)+len(value) > blockTarget {
		w.flush()
	}
	for i, name := range names {
		w.index = append(w.index, slot{hashName(name), w.blocks, uint32(len(w.block))})
		e := &encoder{b: w.block}
		e.text(name)
		if i == 0 {
			e.number(uint64(len(value)))
			e.b = append(e.b, value...)
		} else {
			e.number(0) // an alias: the value is found under the first name, which follows
			e.text(names[0])
		}
		w.block = e.b
	}
}

func (w *ShardWriter) flush() {
	packed := w.enc.EncodeAll(w.block, nil)
	sum := sha256.Sum256(packed)
	w.table = binary.LittleEndian.AppendUint64(w.table, uint64(len(w.data)))
	w.table = binary.LittleEndian.AppendUint32(w.table, uint32(len(packed)))
	w.table = binary.LittleEndian.AppendUint32(w.table, uint32(len(w.block)))
	w.table = append(w.table, sum[:16]...)
	w.data = append(w.data, packed...)
	w.block = w.block[:0]
	w.blocks++
}

// Finish returns the shard, the size of its head and its digest.
func (w *ShardWriter) Finish() (file []byte, head int, digest string) {
	if len(w.block) > 0 {
		w.flush()
	}
	slices.SortFunc(w.index, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.block, b.block), cmp.Compare(a.offset, b.offset))
	})
	file = append(file, shardMagic...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(w.index)))
	file = binary.LittleEndian.AppendUint32(file, w.blocks)
	for _, s := range w.index {
		file = binary.LittleEndian.AppendUint64(file, s.hash)
		file = binary.LittleEndian.AppendUint32(file, s.block)
		file = binary.LittleEndian.AppendUint32(file, s.offset)
	}
	head = len(file) + len(w.table)
	for i := 0; i < len(w.table); i += tableEntry {
		at := binary.LittleEndian.Uint64(w.table[i:]) + uint64(head)
		binary.LittleEndian.PutUint64(w.table[i:], at)
	}
	file = append(file, w.table...)
	sum := sha256.Sum256(file)
	return append(file, w.data...), head, hex.EncodeToString(sum[:])
}

// shard is an open shard.
type shard struct {
	r      io.ReaderAt
	close  func() error
	names  int
	blocks int
	index  []byte
	table  []byte
	dec    *zstd.Decoder

	mu   sync.Mutex
	kept map[uint32]string
	used []uint32 // kept blocks, the one read longest ago first
	size int      // bytes of the kept blocks
}

var errShard = errors.New("the shard is damaged: fetch or build the database again")

// openShard reads and verifies the head.
func openShard(r io.ReaderAt, head int64, digest string) (*shard, error) {
	if head < headFixed || head > maxHead {
		return nil, fmt.Errorf("%w (its head is %d bytes)", errShard, head)
	}
	b := make([]byte, head)
	if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("%w (its digest does not hold)", errShard)
	}
	return parseHead(r, b)
}

func parseHead(r io.ReaderAt, b []byte) (*shard, error) {
	if len(b) < headFixed || string(b[:8]) != shardMagic {
		return nil, fmt.Errorf("%w (it is no shard)", errShard)
	}
	s := &shard{r: r, names: int(binary.LittleEndian.Uint32(b[8:])), blocks: int(binary.LittleEndian.Uint32(b[12:])), kept: map[uint32]string{}}
	if headFixed+s.names*indexEntry+s.blocks*tableEntry != len(b) {
		return nil, fmt.Errorf("%w (its head has the wrong length)", errShard)
	}
	s.index = b[headFixed : headFixed+s.names*indexEntry]
	s.table = b[headFixed+s.names*indexEntry:]
	var err error
	s.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
	return s, err
}

// find returns the value under a name; empty when there is none.
func (s *shard) find(name string) (string, error) {
	for range 2 {
		value, alias, err := s.look(name)
		if err != nil || alias == "" {
			return value, err
		}
		name = alias
	}
	return "", fmt.Errorf("%w (an alias of an alias)", errShard)
}

func (s *shard) look(name string) (value, alias string, err error) {
	hash := hashName(name)
	lo, hi := 0, s.names
	for lo < hi {
		mid := (lo + hi) / 2
		if binary.LittleEndian.Uint64(s.index[mid*indexEntry:]) < hash {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for ; lo < s.names; lo++ {
		e := s.index[lo*indexEntry:]
		if binary.LittleEndian.Uint64(e) != hash {
			return "", "", nil
		}
		block, err := s.block(binary.LittleEndian.Uint32(e[8:]))
		if err != nil {
			return "", "", err
		}
		at := binary.LittleEndian.Uint32(e[12:])
		if int64(at) > int64(len(block)) {
			return "", "", fmt.Errorf("%w (a name points past its block)", errShard)
		}
		d := &decoder{s: block[at:]}
		if d.text() != name {
			if d.err != nil {
				return "", "", fmt.Errorf("%w: %w", errShard, d.err)
			}
			continue // another name of the same hash
		}
		n := d.count()
		if n == 0 {
			alias = d.text()
		}
		if d.err != nil {
			return "", "", fmt.Errorf("%w: %w", errShard, d.err)
		}
		return d.s[:n], alias, nil
	}
	return "", "", nil
}

// block returns one block, decoded and verified.
func (s *shard) block(i uint32) (string, error) {
	if int64(i) >= int64(s.blocks) {
		return "", fmt.Errorf("%w (a name points to no block)", errShard)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.kept[i]; ok {
		return b, nil
	}
	b, err := s.expand(i)
	if err != nil {
		return "", err
	}
	for len(s.used) > 0 && s.size+len(b) > keptBytes {
		s.size -= len(s.kept[s.used[0]])
		delete(s.kept, s.used[0])
		s.used = s.used[1:]
	}
	s.kept[i], s.used, s.size = b, append(s.used, i), s.size+len(b)
	return b, nil
}

// packed reads and verifies one block as it stands in the file.
func (s *shard) packed(i uint32) ([]byte, error) {
	e := s.table[int(i)*tableEntry:]
	size, plain := binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])
	if size > maxBlock || plain > maxBlock {
		return nil, fmt.Errorf("%w (a block of %d bytes)", errShard, max(size, plain))
	}
	packed := make([]byte, size)
	if n, err := s.r.ReadAt(packed, int64(binary.LittleEndian.Uint64(e))); n < len(packed) {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w (it is cut short)", errShard)
		}
		return nil, err
	}
	if sum := sha256.Sum256(packed); !bytes.Equal(sum[:16], e[16:32]) {
		return nil, fmt.Errorf("%w (the digest of block %d does not hold)", errShard, i)
	}
	return packed, nil
}

// VerifyShard reads a whole shard and holds every byte of it against the manifest.
func VerifyShard(r io.ReaderAt, info ShardInfo) error {
	s, err := openShard(r, info.Head, info.File)
	if err != nil {
		return fmt.Errorf("verify shard %s: %w", info.Name, err)
	}
	at := uint64(info.Head)
	for i := range s.blocks {
		if binary.LittleEndian.Uint64(s.table[i*tableEntry:]) != at {
			return fmt.Errorf("verify shard %s: %w (block %d is not where the one before ends)", info.Name, errShard, i)
		}
		packed, err := s.packed(uint32(i))
		if err != nil {
			return fmt.Errorf("verify shard %s: %w", info.Name, err)
		}
		at += uint64(len(packed))
	}
	if at != uint64(info.Size) {
		return fmt.Errorf("verify shard %s: %w (it has %d bytes, the manifest says %d)", info.Name, errShard, at, info.Size)
	}
	return nil
}
