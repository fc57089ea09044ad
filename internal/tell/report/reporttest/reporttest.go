// Package reporttest helps tests that write or read reports: it holds documents against their
// published schemas, and has a report with everything in it.
package reporttest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Validate wants b to be a report as docs/schema describes it.
func Validate(t testing.TB, b []byte) {
	t.Helper()
	Hold(t, b, filepath.Join(root(t), "docs", "schema", "report-v1.schema.json"))
}

// Hold wants b to be a JSON document of the schema in a file. Files beside the schema may be referred to.
func Hold(t testing.TB, b []byte, schema string) {
	t.Helper()
	if err := Check(b, schema); err != nil {
		t.Error(err)
	}
}

// Check says how b is not a JSON document of the schema in a file.
func Check(b []byte, schema string) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(beside{filepath.Dir(schema)})
	s, err := c.Compile(schema)
	if err != nil {
		return fmt.Errorf("compile %s: %w", schema, err)
	}
	if err := s.Validate(doc); err != nil {
		return fmt.Errorf("not as %s says: %w", filepath.Base(schema), err)
	}
	return nil
}

// beside finds schemas by the last element of their address in one folder, never elsewhere.
type beside struct{ dir string }

func (l beside) Load(url string) (any, error) {
	f, err := os.Open(filepath.Join(l.dir, filepath.Base(url)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return jsonschema.UnmarshalJSON(f)
}

// root is the repository's folder: the one with go.mod, at or above the working folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the working folder")
		}
		dir = up
	}
}
