// Package background judges what is in a cluster, and writes what it finds as one report for each namespace.
//
// It is incremental: of every object the metadata are looked at, and one is fetched and judged again only when they say
// that it changed, when something did that counts for it (its namespace, limits, quotas, claims), when the rules did,
// and on another day, since exceptions end. What owns others is judged for them, as in a scan of a dump of the cluster,
// by the same checks, policies and exceptions.
//
// It is bounded: objects are fetched in pages and dropped when they were judged; of each, only as many findings are kept
// as a report has room for; and a report stays under 64 KiB, with all findings counted, the worst listed, and a line
// that says how many are not.
package background

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// Cluster is what is read. The empty namespace is what belongs to none.
type Cluster interface {
	// Heads are the metadata of all objects of the namespace that are judged.
	Heads(ctx context.Context, namespace string) ([]*kube.Object, error)
	// Around are the objects, whole, that count for those of the namespace.
	Around(ctx context.Context, namespace string) ([]*kube.Object, error)
	// Fetch hands over objects of the namespace, whole, some at a time. What is gone by then is passed over.
	Fetch(ctx context.Context, namespace string, heads []*kube.Object, each func(*kube.Object) error) error
}

// Scanner keeps what was found, by namespace. It is used by one goroutine at a time.
type Scanner struct {
	Cluster Cluster
	found   map[string]map[string]*rows // namespace, then the object's place
}

// Scan brings what is known of a namespace up to date, and says it. Judged is how many objects had to be looked at.
func (s *Scanner) Scan(ctx context.Context, r *Rules, namespace string) (report *Report, judged int, err error) {
	if s.found == nil {
		s.found = map[string]map[string]*rows{}
	}
	if namespace != "" && r.line != nil && r.line.Exempts(namespace) {
		s.found[namespace] = map[string]*rows{}
		return exempt(namespace), 0, nil
	}
	heads, err := s.Cluster.Heads(ctx, namespace)
	if err != nil {
		return nil, 0, err
	}
	objects, err := s.Cluster.Around(ctx, namespace)
	if err != nil {
		return nil, 0, err
	}
	around := kube.NewSnapshot(objects, nil)
	rules := r.versionOf(namespace)
	version := rules + sum(objects)
	before, now := s.found[namespace], map[string]*rows{}
	var stale []*kube.Object
	versions := map[string]string{}
	owners := kube.NewSnapshot(heads, nil)
	for _, h := range heads {
		at := placeOf(h)
		if owners.Owned(h) {
			continue
		}
		versions[at] = version + Version(h)
		if known := before[at]; known != nil && known.version == versions[at] {
			now[at] = known
		} else {
			stale = append(stale, h)
		}
	}
	err = s.Cluster.Fetch(ctx, namespace, stale, func(o *kube.Object) error {
		at := placeOf(o)
		if versions[at] == "" {
			return nil // it came meanwhile, and there will be word of it
		}
		found, err := r.Judge(ctx, o, around)
		if err != nil {
			return fmt.Errorf("judge %s: %w", statute.Place(o), err)
		}
		judged++
		// It may be newer than its head; then the next look sees another version, and judges it again.
		now[at] = rowsOf(found, o)
		now[at].rules, now[at].version = rules, version+Version(o)
		return nil
	})
	if err != nil {
		return nil, judged, err
	}
	s.found[namespace] = now
	return reportOf(namespace, now), judged, nil
}

// Forget drops what is known of a namespace that is gone.
func (s *Scanner) Forget(namespace string) { delete(s.found, namespace) }

// Used counts what each exception lets pass in a namespace; nil: it was not looked at with these rules.
func (s *Scanner) Used(r *Rules, namespace string) map[string]int {
	if s.found[namespace] == nil {
		return nil
	}
	used := map[string]int{}
	for _, of := range s.found[namespace] {
		if of.rules != r.versionOf(namespace) {
			return nil
		}
		for place, n := range of.excepted {
			used[place] += n
		}
	}
	return used
}

// placeOf names an object as none other of its namespace is.
func placeOf(o *kube.Object) string { return o.Group() + "/" + o.Kind + "/" + o.Name }

// Version names all of an object that is judged, by its metadata alone: who it is, what its owner wrote (which the
// API server counts as its generation), labels and annotations. What has no generation is told by its version in the store.
func Version(o *kube.Object) string {
	meta, _ := o.Fields["metadata"].(map[string]any)
	notes := o.Metadata("annotations")
	delete(notes, kube.LastApplied)
	key := map[string]any{"annotations": notes}
	for _, k := range []string{"uid", "generation", "labels", "ownerReferences"} {
		key[k] = meta[k]
	}
	if meta["generation"] == nil {
		key["resourceVersion"] = meta["resourceVersion"]
	}
	return sum([]*kube.Object{{Fields: key}})
}

// sum is over what objects hold, but for what the cluster notes in their status.
func sum(objects []*kube.Object) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, o := range slices.SortedFunc(slices.Values(objects), byPlace) {
		fields := map[string]any{}
		for k, v := range o.Fields {
			if k != "status" {
				fields[k] = v
			}
		}
		if meta, ok := fields["metadata"].(map[string]any); ok {
			fields["metadata"] = map[string]any{"name": meta["name"], "uid": meta["uid"], "labels": meta["labels"], "annotations": meta["annotations"]}
		}
		_ = enc.Encode(fields) // of what was JSON before
	}
	return hex.EncodeToString(h.Sum(nil))
}
