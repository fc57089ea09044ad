package build_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// TestDebianSecondReading reads the tracker's JSON again, as a plain tree and whole, and wants from the
// database the same fixed version for every source, id and release, and nothing else.
func TestDebianSecondReading(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(feeds, "debian", "tracker.json"))
	if os.IsNotExist(err) {
		t.Skip("the mirror of feeds is not part of the repository; the fixtures of the reader's own tests remain")
	}
	if err != nil {
		t.Fatal(err)
	}
	var tracker map[string]map[string]map[string]any
	if err := json.Unmarshal(raw, &tracker); err != nil {
		t.Fatal(err)
	}
	shards := map[string]string{"stretch": "Debian:9", "buster": "Debian:10", "bullseye": "Debian:11", "bookworm": "Debian:12", "trixie": "Debian:13", "sid": "Debian:sid"}
	want := map[string]map[string]string{} // shard and source → id → fixed version
	for source, ids := range tracker {
		for id, entry := range ids {
			for release, said := range entry["releases"].(map[string]any) {
				at := shards[release] + " " + source
				if want[at] == nil {
					want[at] = map[string]string{}
				}
				want[at][id] = said.(map[string]any)["fixed_version"].(string)
			}
		}
	}
	db := database(t)
	checked := 0
	for _, shard := range shards {
		for source := range tracker {
			rows, cover, err := db.Package(shard, source)
			if err != nil || cover != advisory.Partial {
				t.Fatalf("%s %s: %v, %v", shard, source, cover, err)
			}
			got := map[string]string{}
			for _, r := range rows {
				if len(r.Ranges) != 1 || r.Ranges[0] != (advisory.Range{Fixed: r.Ranges[0].Fixed}) {
					t.Errorf("%s %s %s: %+v", shard, source, r.ID, r.Ranges)
				}
				got[r.ID] = r.Ranges[0].Fixed
				checked++
			}
			expected := want[shard+" "+source]
			if expected == nil {
				expected = map[string]string{}
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Errorf("%s %s:\n%s", shard, source, diff)
			}
		}
	}
	if checked != 14305 {
		t.Errorf("%d rows, want 14305", checked)
	}
}
