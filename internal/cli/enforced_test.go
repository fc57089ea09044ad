package cli

import (
	"encoding/json"
	"testing"
)

// FuzzProbed wants whatever is taken as the report of a probe to hold words of a probe alone, and to be of use.
func FuzzProbed(f *testing.F) {
	const head = `{"schema":"plimsoll/report/v1","tool":{"name":"plimsoll","version":"x"},"targets":[{"id":"t1","kind":"cluster","name":"prod","verified":false,"uid":"u","network":{"probed":"2026-11-23T12:00:00Z","enforcement":[`
	const row = `{"policy":"NetworkPolicy","direction":"ingress","family":"IPv4","protocol":"UDP","placement":"same-node","result":"inert"}`
	for _, text := range []string{head + row + "]}}]}", head + row + "," + row + "]}}]}", head + "]}}]}", `{"targets":[null]}`, head + row + `]}},{"id":"t2","network":{"probed":"2026-11-23T12:00:00Z","uid":"v","enforcement":[]}}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		known, err := probed(text)
		if err != nil {
			return
		}
		if err := known.Validate(); err != nil || known.Words() == "" {
			t.Errorf("%v: %+v", err, known)
		}
		known.Void(true)
		known.Void(false)
		known.Part()
		if _, err := json.Marshal(append(known.Gaps(true), known.Notes()...)); err != nil {
			t.Error(err)
		}
	})
}
