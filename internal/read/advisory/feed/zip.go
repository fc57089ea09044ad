package feed

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"strings"
)

// Bounds of an archive: how many records, how many bytes in one, and in all when expanded.
type Bounds struct {
	Records            int
	Document, Expanded int64
}

// EachJSON hands the JSON documents of a zip archive over, one by one, in the archive's order. An
// archive that is cut short or damaged anywhere is an error; it names the document.
func EachJSON(ctx context.Context, r io.ReaderAt, size int64, limit Bounds, each func(b []byte) error) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("the archive cannot be opened, it may be cut short: %w", err)
	}
	if len(z.File) > limit.Records {
		return fmt.Errorf("%w: %d records", ErrLimit, len(z.File))
	}
	left := limit.Expanded
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := expand(f, limit.Document)
		if err == nil {
			if left -= int64(len(b)); left < 0 {
				return fmt.Errorf("%w: more than %d bytes in all", ErrLimit, limit.Expanded)
			}
			err = each(b)
		}
		if err != nil {
			return fmt.Errorf("%.200q: %w", f.Name, err)
		}
	}
	return nil
}

// expand reads one document; the zip reader checks its CRC at the end.
func expand(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrLimit, limit)
	}
	return b, nil
}
