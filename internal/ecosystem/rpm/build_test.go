package rpm

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem/rpm/rpmdb/rpmdbtest"
)

// rpmHeader builds the header of a package with three strings.
func rpmHeader(name, version, release string) []byte {
	var entries, data bytes.Buffer
	tags := []tag{nameTag, versionTag, releaseTag}
	for i, s := range []string{name, version, release} {
		for _, n := range []uint32{uint32(tags[i]), stringType, uint32(data.Len()), 1} {
			binary.Write(&entries, binary.BigEndian, n)
		}
		data.WriteString(s + "\x00")
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	b = binary.BigEndian.AppendUint32(b, uint32(data.Len()))
	return append(append(b, entries.Bytes()...), data.Bytes()...)
}

func hashFile(t *testing.T, headers ...[]byte) []byte {
	t.Helper()
	return rpmdbtest.BerkeleyDB(binary.LittleEndian, 4096, headers...)
}
