// Package epss reads FIRST's daily scores (https://www.first.org/epss/data_stats): a gzipped CSV with a
// comment that names model and day.
package epss

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

// Score is the probability of exploitation within 30 days and its percentile, both 0 to 1.
type Score struct{ Probability, Percentile float64 }

// Bounds of the file: it has some 350,000 rows of 30 bytes.
const (
	maxRows     = 5_000_000
	maxExpanded = 512 << 20
)

// Read returns the score of every id.
func Read(r io.Reader) (map[string]Score, feed.Info, error) {
	var info feed.Info
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, info, fmt.Errorf("the scores are not gzipped: %w", err)
	}
	scores := map[string]Score{}
	limited := &io.LimitedReader{R: z, N: maxExpanded}
	lines := bufio.NewScanner(limited)
	headed := false
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
			for _, part := range strings.Split(line[1:], ",") {
				if day, ok := strings.CutPrefix(part, "score_date:"); ok && len(day) >= 10 {
					info.Modified = feed.Time(day[:10])
				}
			}
			continue
		case line == "cve,epss,percentile":
			headed = true
			continue
		case len(scores) > maxRows:
			return nil, info, fmt.Errorf("%w: more than %d rows", feed.ErrLimit, maxRows)
		}
		id, score, err := row(line)
		if err != nil {
			return nil, info, fmt.Errorf("line %d: %w", n, err)
		}
		scores[id] = score
	}
	if err := lines.Err(); err != nil {
		return nil, info, fmt.Errorf("the scores cannot be read to their end, they may be cut short: %w", err)
	}
	if limited.N == 0 {
		return nil, info, fmt.Errorf("%w: more than %d bytes", feed.ErrLimit, maxExpanded)
	}
	if !headed {
		return nil, info, errors.New("the scores have no heading")
	}
	info.Records = len(scores)
	return scores, info, nil
}

func row(line string) (string, Score, error) {
	id, rest, _ := strings.Cut(line, ",")
	p, q, ok := strings.Cut(rest, ",")
	if !ok || id == "" {
		return "", Score{}, fmt.Errorf("%q is not ID,SCORE,PERCENTILE", line)
	}
	probability, err := strconv.ParseFloat(p, 64)
	if err != nil || !(probability >= 0 && probability <= 1) { // NaN is neither
		return "", Score{}, fmt.Errorf("%q is no probability", p)
	}
	percentile, err := strconv.ParseFloat(q, 64)
	if err != nil || !(percentile >= 0 && percentile <= 1) {
		return "", Score{}, fmt.Errorf("%q is no percentile", q)
	}
	return id, Score{probability, percentile}, nil
}
