package secret

import (
	"bytes"
	"encoding/binary"
	"path"
	"strings"
	"unicode/utf16"
)

// MaxFile is how many bytes of one file are searched.
const MaxFile = 10 << 20

// media are the endings of what is no text that somebody wrote.
func media() map[string]bool {
	return endings("7z a apk bin bmp br bz2 class cur dat db deb dll dmg dylib eot exe flac gem gif gmo gresource gz h5 icns ico idx img iso jar jpeg jpg lib lz4 mkv mo mov mp3 mp4 mpg npy " +
		"node o obj odt ogg otf pack parquet pbf pdb pdf pkl png pyc pyd pyo rar rpm scm so sqlite sqlite3 svgz swf syso tar tgz tif tiff ttc ttf war wasm wav webm webp whl wma wmv woff woff2 xls xlsx xz z zip zst")
}

func endings(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m["."+w] = true
	}
	return m
}

// Wants says whether a file of this name and size is searched, as long as it turns out to be text.
func (e *Engine) Wants(p string, size int64) bool {
	if size < 8 {
		return false
	}
	ext := path.Ext(p)
	if e.media[strings.ToLower(ext)] || strings.Contains(p, ".so.") {
		return false
	}
	// Lists of checksums that package managers keep: hashes and nothing else.
	return !(strings.HasSuffix(p, ".dist-info/RECORD") || strings.HasPrefix(p, "var/lib/dpkg/info/") && (ext == ".md5sums" || ext == ".list"))
}

// IsText says whether the first bytes of a file are those of a text: UTF-8, its like, or UTF-16 that says so.
func IsText(head []byte) bool {
	if isUTF16(head) {
		return true
	}
	return len(head) > 0 && bytes.IndexByte(head, 0) < 0
}

func isUTF16(head []byte) bool {
	return len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff)
}

// decoded is the text of a file as UTF-8.
func decoded(text []byte) []byte {
	if !isUTF16(text) {
		return text
	}
	var order binary.ByteOrder = binary.LittleEndian
	if text[0] == 0xfe {
		order = binary.BigEndian
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, order.Uint16(text[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}
