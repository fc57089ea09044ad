// Package feedtest makes archives for the tests of feeds.
package feedtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"testing"
)

// Zip packs documents as the feeds' archives have them, called 0.json, 1.json and so on.
func Zip(t testing.TB, documents ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, d := range documents {
		w, err := z.Create(fmt.Sprintf("%d.json", i))
		if err == nil {
			_, err = w.Write([]byte(d))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
