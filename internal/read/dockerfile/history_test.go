package dockerfile

import "testing"

// TestRebuild reads both builders' spellings, after what comes before the command is cut off.
func TestRebuild(t *testing.T) {
	f := Rebuild([]Step{
		{Text: "ADD file:0a1b in / ", Layer: 0, Base: true},
		{Text: "ENV A=b c", Layer: -1},
		{Text: "WORKDIR /srv", Layer: 1},
		{Text: "RUN apt-get update && curl x | sh", Layer: 2},
		{Text: "RUN /bin/bash -o pipefail -c curl y | sh", Layer: 3},
		{Text: "USER app", Layer: -1},
		{Text: "RUN make", Layer: 4},
		{Text: "bazel build ...", Layer: 5},
	})
	if len(f.Instructions) != 7 || !f.Instructions[0].Base || f.Instructions[3].Script().Text != "apt-get update && curl x | sh" {
		t.Fatalf("%+v", f.Instructions)
	}
	if s := f.Instructions[4].Script(); s.Text != "curl y | sh" || len(s.Shell) != 4 || s.Shell[2] != "pipefail" {
		t.Errorf("%+v", s)
	}
	last := f.Instructions[6]
	if last.User != "app" || last.Workdir != "/srv" || *last.Layer != 4 {
		t.Errorf("%+v", last)
	}
	if v, known := last.Expand("$A"); !known || v != "b c" {
		t.Errorf("%q %v", v, known)
	}
}
